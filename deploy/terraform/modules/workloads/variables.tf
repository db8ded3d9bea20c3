variable "name" {
  description = "Prefix of the roles' names."
  type        = string
}

variable "region" {
  description = "The region, for conditions on the service that a key is used through."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the services."
  type        = string
}

variable "service_accounts" {
  description = "Rights of each service, by its name; its service account is examhall-NAME. none, read or write."
  type = map(object({
    events    = string
    documents = string
    archive   = string
  }))

  validation {
    condition = alltrue(flatten([for rights in values(var.service_accounts) : [
      for right in [rights.events, rights.documents, rights.archive] : contains(["none", "read", "write"], right)
    ]]))
    error_message = "service_accounts: each right is none, read or write."
  }

  validation {
    condition     = alltrue([for name in keys(var.service_accounts) : can(regex("^[a-z][a-z0-9-]*$", name))])
    error_message = "service_accounts: names are lower-case letters, digits and hyphens."
  }
}

variable "cluster_name" {
  description = "The cluster of the pods."
  type        = string
}

variable "pod_trust_policy" {
  description = "Trust policy of roles that pods take."
  type        = string
}

variable "events_cluster_arn" {
  description = "The Kafka cluster."
  type        = string
}

variable "topic_prefix" {
  description = "What the hall's topics and groups begin with."
  type        = string
  default     = "examhall"
}

variable "bucket_arns" {
  description = "Buckets that `archive` is about."
  type        = list(string)
}

variable "blobs_kms_key_arn" {
  description = "Key of those buckets."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that are copied into the cluster."
  type        = list(string)
}

variable "secrets_kms_key_arn" {
  description = "Key of those secrets."
  type        = string
}

variable "metrics" {
  description = "Whether there is a Prometheus workspace to write to."
  type        = bool
}

variable "metrics_workspace_arn" {
  description = "The workspace."
  type        = string
  default     = null
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
