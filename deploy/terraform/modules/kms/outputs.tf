output "key_arns" {
  description = "ARN of each key, by use."
  value       = { for use, key in aws_kms_key.this : use => key.arn }
}

output "alias_names" {
  description = "Alias of each key, by use."
  value       = { for use, alias in aws_kms_alias.this : use => alias.name }
}
