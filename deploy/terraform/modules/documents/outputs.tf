output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_docdb_cluster.this.arn
}

output "cluster_identifier" {
  description = "The cluster's name, also in CloudWatch."
  value       = aws_docdb_cluster.this.cluster_identifier
}

output "endpoint" {
  description = "Address of the writer."
  value       = aws_docdb_cluster.this.endpoint
}

output "reader_endpoint" {
  description = "Address that spreads over the readers."
  value       = aws_docdb_cluster.this.reader_endpoint
}

output "uri_options" {
  description = "What follows the ? in a connection string; the CA bundle is AWS's global-bundle.pem."
  value       = "tls=true&tlsCAFile=global-bundle.pem&replicaSet=rs0&readPreference=secondaryPreferred&retryWrites=${local.retry_writes}"
}

output "retry_writes" {
  description = "Whether this version can retry writes."
  value       = local.retry_writes
}

output "master_user_secret_arn" {
  description = "Secret with the master user's password, made and rotated by AWS."
  value       = aws_docdb_cluster.this.master_user_secret[0].secret_arn
}

output "security_group_id" {
  description = "The store's group."
  value       = aws_security_group.this.id
}
