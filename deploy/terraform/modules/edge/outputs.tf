output "dns_name" {
  description = "The domain's CNAME (or alias) points here."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of the load balancer, for an alias record."
  value       = aws_lb.this.zone_id
}

output "load_balancer_arn_suffix" {
  description = "The load balancer's name in CloudWatch."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "What the chart's TargetGroupBinding names."
  value       = aws_lb_target_group.this.arn
}

output "target_group_arn_suffix" {
  description = "The target group's name in CloudWatch."
  value       = aws_lb_target_group.this.arn_suffix
}

output "security_group_id" {
  description = "The load balancer's group."
  value       = aws_security_group.this.id
}
