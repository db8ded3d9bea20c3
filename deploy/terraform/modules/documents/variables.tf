variable "name" {
  description = "The cluster's identifier."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,58}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: at most 60 lower-case letters, digits and single hyphens (instances add a number and end at 63)."
  }
}

variable "engine_version" {
  description = "DocumentDB's version, such as 5.0.0."
  type        = string

  validation {
    condition     = can(regex("^([5-9]|[1-9][0-9])\\.[0-9]+\\.[0-9]+$", var.engine_version))
    error_message = "engine_version: 5.0.0 or later, in three numbers."
  }
}

variable "instance_class" {
  description = "Class of each instance."
  type        = string

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class: such as db.r6g.2xlarge."
  }
}

variable "instances" {
  description = "One writer and the rest readers that can take over."
  type        = number

  validation {
    condition     = var.instances >= 2 && var.instances <= 16
    error_message = "instances: 2 to 16; with one there is nothing to fail over to."
  }
}

variable "storage_type" {
  description = "standard, or iopt1: I/O is paid with the storage."
  type        = string
  default     = "standard"

  validation {
    condition     = contains(["standard", "iopt1"], var.storage_type)
    error_message = "storage_type: standard or iopt1."
  }
}

variable "backup_days" {
  description = "How far back the store can be restored to any second."
  type        = number

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days: 7 to 35."
  }
}

variable "backup_window" {
  description = "When the daily backup runs, UTC; not while candidates sit."
  type        = string
  default     = "20:00-21:00"
}

variable "maintenance_window" {
  description = "When AWS may restart an instance, UTC."
  type        = string
  default     = "sat:21:30-sat:23:00"
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the instances, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids: at least two, in different zones."
  }
}

variable "client_security_group_ids" {
  description = "Groups that reach the store, by a word that says who they are."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "Key of the storage, the backups and Performance Insights."
  type        = string
}

variable "logs_kms_key_arn" {
  description = "Key of the audit and profiler logs."
  type        = string
}

variable "log_days" {
  description = "How long audit and profiler logs are kept."
  type        = number
  default     = 400
}

variable "deletion_protection" {
  description = "The cluster cannot be destroyed, and when it is allowed to be, leaves a last snapshot."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
