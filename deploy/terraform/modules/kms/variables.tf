variable "name" {
  description = "Prefix of aliases: alias/NAME-KEY."
  type        = string
}

variable "keys" {
  description = <<-EOT
    Keys by use. `via`: services through which principals of this account may use the key (`s3`, `secretsmanager`).
    `services`: service principals that use it themselves. `logs`: CloudWatch Logs encrypts log groups with it.
    `autoscaling`: node volumes are encrypted with it.
  EOT
  type = map(object({
    description = string
    via         = optional(list(string), [])
    services    = optional(list(string), [])
    logs        = optional(bool, false)
    autoscaling = optional(bool, false)
  }))
}

variable "deletion_window_in_days" {
  description = "Days between asking for a key's deletion and the loss of everything encrypted with it."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_in_days >= 7 && var.deletion_window_in_days <= 30
    error_message = "deletion_window_in_days: AWS takes 7 to 30."
  }
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
