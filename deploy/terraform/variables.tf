# Each value comes from the environment's terraform.tfvars.json; docs/environments.md says what each means and which
# differ by environment or size. There are no defaults: what an environment is must be readable in its file.

variable "name" {
  description = "The hall, such as nee-2027: prefix of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) + length(var.environment) <= 31
    error_message = "name: lower-case letters, digits and single hyphens; with the environment at most 31 in all (load balancers' names end at 32)."
  }
}

variable "environment" {
  description = "The environment, such as nonprod or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.environment))
    error_message = "environment: lower-case letters, digits and single hyphens."
  }
}

variable "region" {
  description = "AWS region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: such as ap-south-1."
  }
}

variable "account" {
  description = "The account of this environment. Credentials of any other are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account: 12 digits."
  }
}

variable "domain" {
  description = "Where candidates come to; its record points to the load balancer."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain: such as exam.example.org."
  }
}

variable "spec_hash" {
  description = "Digest of this environment's effective settings: says which spec is applied."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.spec_hash))
    error_message = "spec_hash: 64 hexadecimal digits."
  }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)

  validation {
    condition = length(setsubtract(
      ["Project", "Environment", "Owner", "CostCenter", "ManagedBy", "SpecHash", "DataClass"], keys(var.tags),
    )) == 0
    error_message = "tags: Project, Environment, Owner, CostCenter, ManagedBy, SpecHash and DataClass are all needed."
  }
}

variable "network" {
  description = "Addresses, zones and ways out."
  type = object({
    cidr          = string
    zones         = list(string)
    nat_per_zone  = bool
    flow_log_days = number
  })

  validation {
    condition     = alltrue([for zone in var.network.zones : startswith(zone, var.region)])
    error_message = "network.zones: each is a zone of the region."
  }
}

variable "cluster" {
  description = "Kubernetes and its nodes."
  type = object({
    version             = string
    public_access_cidrs = list(string)
    admin_role_arns     = list(string)
    deletion_protection = bool
    system_nodes = object({
      instance_types = list(string)
      min            = number
      max            = number
      disk_gib       = number
    })
    node_pools = map(object({
      instance_types = list(string)
      capacity       = string
      min            = number
      max            = number
      disk_gib       = number
    }))
  })
}

variable "events" {
  description = "Kafka: the log of events."
  type = object({
    kafka_version       = string
    broker_type         = string
    brokers_per_zone    = number
    storage_gib         = number
    storage_gib_max     = number
    enhanced_monitoring = string
  })
}

variable "documents" {
  description = "The document store."
  type = object({
    engine_version      = string
    class               = string
    instances           = number
    storage_type        = string
    backup_days         = number
    deletion_protection = bool
  })
}

variable "blobs" {
  description = "Buckets, and the lock of the answer archive."
  type = object({
    archive_lock_days   = number
    archive_lock_mode   = string
    deletion_protection = bool
  })
}

variable "registry" {
  description = "The images' repository."
  type = object({
    repository       = string
    keep_images      = number
    pull_account_ids = optional(list(string), [])
  })
}

variable "secrets" {
  description = "Secrets by name, and how long a deleted one can be brought back."
  type = object({
    names         = list(string)
    recovery_days = number
  })

  validation {
    condition     = contains(var.secrets.names, "connections")
    error_message = "secrets.names: connections is one of them; the addresses that apply makes are written there."
  }
}

variable "observability" {
  description = "Logs, metrics and alarms."
  type = object({
    log_days    = number
    metrics     = bool
    alarm_topic = bool
  })
}

variable "workloads" {
  description = "The services' namespace, and what each service's pods may do."
  type = object({
    namespace = string
    service_accounts = map(object({
      events    = string
      documents = string
      archive   = string
    }))
  })
}
