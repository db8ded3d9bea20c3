output "cluster_name" {
  description = "For `aws eks update-kubeconfig`."
  value       = module.cluster.cluster_name
}

output "cluster_endpoint" {
  description = "Address of the API server."
  value       = module.cluster.cluster_endpoint
}

output "runner" {
  description = "Where a pipeline's runner stands that reaches the API server: give it one of these subnets, and this group."
  value = {
    subnet_ids        = module.network.private_subnet_ids
    security_group_id = module.cluster.cluster_security_group_id
  }
}

output "load_balancer_dns_name" {
  description = "What the domain's record points to."
  value       = module.edge.dns_name
}

output "domain" {
  description = "The domain of this environment, for whoever makes that record."
  value       = var.domain
}

output "target_group_arn" {
  description = "What the chart's TargetGroupBinding names."
  value       = module.edge.target_group_arn
}

output "repository_url" {
  description = "Where images are pushed."
  value       = module.registry.repository_url
}

output "secret_arns" {
  description = "Secrets, by name."
  value       = module.secrets.secret_arns
}

output "bucket_names" {
  description = "Buckets, by use."
  value       = module.blobs.bucket_names
}

output "service_role_arns" {
  description = "Role of each service's pods."
  value       = module.workloads.role_arns
}

output "document_users" {
  description = "Roles that are to be users of the document store, by right."
  value       = module.workloads.document_users
}

output "remote_write_url" {
  description = "Where the cluster's Prometheus writes to."
  value       = module.observability.remote_write_url
}

output "alarm_topic_arn" {
  description = "Topic to subscribe people to."
  value       = module.observability.alarm_topic_arn
}

output "nat_public_ips" {
  description = "Addresses that the platform's own requests come from."
  value       = module.network.nat_public_ips
}

output "spec_hash" {
  description = "Digest of the settings that are applied."
  value       = var.spec_hash
}
