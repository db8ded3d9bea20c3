output "workspace_arn" {
  description = "The Prometheus workspace, if there is one."
  value       = one(aws_prometheus_workspace.this[*].arn)
}

output "remote_write_url" {
  description = "Where the cluster's Prometheus writes to, if there is a workspace."
  value       = var.metrics ? "${aws_prometheus_workspace.this[0].prometheus_endpoint}api/v1/remote_write" : null
}

output "alarm_topic_arn" {
  description = "Topic to subscribe people to, if there is one."
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "log_group_name" {
  description = "The hall's logs."
  value       = aws_cloudwatch_log_group.hall.name
}
