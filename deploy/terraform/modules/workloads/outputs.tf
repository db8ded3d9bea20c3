output "role_arns" {
  description = "Role of each service, by its name."
  value       = { for name, role in aws_iam_role.service : name => role.arn }
}

output "document_users" {
  description = "Who is to be a user of the document store: roles by right. It knows IAM roles as users of $external."
  value = {
    for right in ["read", "write"] : right => [
      for name, rights in var.service_accounts : aws_iam_role.service[name].arn if rights.documents == right
    ]
  }
}
