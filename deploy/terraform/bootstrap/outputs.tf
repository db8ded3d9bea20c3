output "state_bucket" {
  description = "`bucket` of every backend.hcl."
  value       = aws_s3_bucket.state.bucket
}

output "state_key_alias" {
  description = "`kms_key_id` of every backend.hcl."
  value       = aws_kms_alias.state.name
}

output "ci_role_arns" {
  description = "Roles of the pipeline: plan, image, deploy."
  value       = { for name, role in aws_iam_role.ci : name => role.arn }
}

output "boundary_arn" {
  description = "Upper bound of the roles that the pipeline makes."
  value       = aws_iam_policy.boundary.arn
}
