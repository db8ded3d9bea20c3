variable "name" {
  description = "Prefix of names."
  type        = string
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days: CloudWatch keeps logs 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, ... days."
  }
}

variable "metrics" {
  description = "A managed Prometheus workspace."
  type        = bool
  default     = true
}

variable "alarm_topic" {
  description = "A topic that alarms go to. Without it they change state and tell nobody."
  type        = bool
  default     = true
}

variable "events_cluster_name" {
  description = "The Kafka cluster in CloudWatch."
  type        = string
}

variable "events_brokers" {
  description = "How many brokers with a disk of ours it has; 0 for express brokers, which bring their own."
  type        = number
}

variable "documents_cluster_identifier" {
  description = "The document store in CloudWatch."
  type        = string
}

variable "load_balancer_arn_suffix" {
  description = "The load balancer in CloudWatch."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "The gateways in CloudWatch."
  type        = string
}

variable "logs_kms_key_arn" {
  description = "Key of the logs."
  type        = string
}

variable "metrics_kms_key_arn" {
  description = "Key of the metrics."
  type        = string
}

variable "alarms_kms_key_arn" {
  description = "Key of the topic; CloudWatch and Prometheus must be allowed to use it."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
