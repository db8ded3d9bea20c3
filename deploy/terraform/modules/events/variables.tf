variable "name" {
  description = "The cluster's name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,64}$", var.name))
    error_message = "name: at most 64 letters, digits and hyphens."
  }
}

variable "kafka_version" {
  description = "Kafka's version as MSK names it; the suffix .kraft chooses KRaft, without it a ZooKeeper cluster would be made."
  type        = string

  validation {
    condition     = can(regex("^(3\\.[7-9]|[4-9]\\.[0-9]+)\\.[0-9x]+\\.kraft$", var.kafka_version))
    error_message = "kafka_version: a KRaft version such as 3.9.x.kraft."
  }
}

variable "broker_type" {
  description = "Instance type of the brokers, kafka.* or express.*."
  type        = string

  validation {
    condition     = can(regex("^(kafka|express)\\.[a-z0-9]+\\.[a-z0-9]+$", var.broker_type))
    error_message = "broker_type: such as kafka.m7g.xlarge or express.m7g.large."
  }
}

variable "brokers_per_zone" {
  description = "Brokers in each zone."
  type        = number
  default     = 1

  validation {
    condition     = var.brokers_per_zone >= 1 && floor(var.brokers_per_zone) == var.brokers_per_zone
    error_message = "brokers_per_zone: a whole number, at least 1."
  }
}

variable "storage_gib" {
  description = "First size of a broker's disk."
  type        = number
}

variable "storage_gib_max" {
  description = "How far it may grow by itself."
  type        = number

  validation {
    condition     = var.storage_gib_max >= var.storage_gib && var.storage_gib_max <= 16384
    error_message = "storage_gib_max: no less than storage_gib, at most 16384."
  }
}

variable "enhanced_monitoring" {
  description = "Granularity of the brokers' metrics; no less than the alarms of each broker read."
  type        = string
  default     = "PER_TOPIC_PER_PARTITION"

  validation {
    condition     = contains(["PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"], var.enhanced_monitoring)
    error_message = "enhanced_monitoring: PER_BROKER, PER_TOPIC_PER_BROKER or PER_TOPIC_PER_PARTITION."
  }
}

variable "server_properties" {
  description = "Further broker properties. What keeps answers safe cannot be taken away here."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setintersection(keys(var.server_properties), [
      "auto.create.topics.enable", "default.replication.factor", "min.insync.replicas", "unclean.leader.election.enable",
    ])) == 0
    error_message = "server_properties: replication and acknowledgement are fixed (3 copies, 2 in sync, no unclean leader)."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "One subnet in each zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3
    error_message = "subnet_ids: three, or three copies would share a zone."
  }
}

variable "client_security_group_ids" {
  description = "Groups that reach the brokers, by a word that says who they are."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "Key of the brokers' disks."
  type        = string
}

variable "secrets_kms_key_arn" {
  description = "Key of the SCRAM secret."
  type        = string
}

variable "logs_kms_key_arn" {
  description = "Key of the brokers' logs."
  type        = string
}

variable "log_days" {
  description = "How long the brokers' logs are kept."
  type        = number
  default     = 400
}

variable "password_version" {
  description = "Raise it to give the hall's user a new password."
  type        = number
  default     = 1
}

variable "secret_recovery_days" {
  description = "Days that a deleted secret can be brought back."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
