output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_msk_cluster.this.arn
}

output "cluster_name" {
  description = "The cluster's name, also in CloudWatch."
  value       = aws_msk_cluster.this.cluster_name
}

output "disks" {
  description = "Brokers with a disk of ours: all, or none of the express kind."
  value       = local.express ? 0 : var.brokers_per_zone * length(var.subnet_ids)
}

output "bootstrap_brokers_sasl_scram" {
  description = "Brokers for SCRAM over TLS (port 9096)."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
}

output "bootstrap_brokers_sasl_iam" {
  description = "Brokers for IAM over TLS (port 9098)."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
}

output "scram_secret_arn" {
  description = "Secret with the hall's user and password."
  value       = aws_secretsmanager_secret.scram.arn
}

output "security_group_id" {
  description = "The brokers' group."
  value       = aws_security_group.this.id
}
