variable "name" {
  description = "Name of the load balancer and its target group."
  type        = string

  validation {
    condition     = length(var.name) <= 32
    error_message = "name: load balancers' names end at 32 characters."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "public_subnet_ids" {
  description = "Where the load balancer stands."
  type        = list(string)
}

variable "cluster_name" {
  description = "The cluster whose pods are the gateways."
  type        = string
}

variable "cluster_security_group_id" {
  description = "The group of the gateways' pods."
  type        = string
}

variable "pod_trust_policy" {
  description = "Trust policy of roles that pods take."
  type        = string
}

variable "gateway_port" {
  description = "The port that gateways listen on."
  type        = number
  default     = 8443
}

variable "deregistration_delay" {
  description = "Seconds that a leaving gateway keeps its connections; no longer than the chart's termination grace."
  type        = number
  default     = 60

  validation {
    condition     = var.deregistration_delay >= 0 && var.deregistration_delay <= 3600
    error_message = "deregistration_delay: 0 to 3600 seconds."
  }
}

variable "deletion_protection" {
  description = "The load balancer cannot be destroyed."
  type        = bool
  default     = true
}

variable "permissions_boundary" {
  description = "Upper bound of what the roles made here may ever be allowed."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
