variable "name" {
  description = "The cluster's name, and prefix of its roles."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}$", var.name))
    error_message = "name: at most 41 lower-case letters, digits and hyphens (roles add a word and end at 64)."
  }
}

variable "cluster_version" {
  description = "Kubernetes' version, such as 1.34."
  type        = string

  validation {
    condition     = can(regex("^1\\.(3[0-9]|[4-9][0-9])$", var.cluster_version))
    error_message = "cluster_version: 1.30 or later (the chart's preStop sleep needs it), without a patch number."
  }
}

variable "control_plane_subnet_ids" {
  description = "Where the control plane's interfaces stand."
  type        = list(string)
}

variable "node_subnet_ids" {
  description = "Where nodes stand."
  type        = list(string)
}

variable "service_ipv4_cidr" {
  description = "Addresses of Kubernetes services: outside of the VPC's."
  type        = string
  default     = "172.20.0.0/16"
}

variable "public_access_cidrs" {
  description = "Who reaches the API server from outside. Empty: nobody, there is no public endpoint."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.public_access_cidrs, "0.0.0.0/0")
    error_message = "public_access_cidrs: 0.0.0.0/0 is the whole Internet; name your networks, or none."
  }
}

variable "admin_role_arns" {
  description = "Roles that administer the cluster."
  type        = list(string)
  default     = []
}

variable "deployer_role_arns" {
  description = "Roles that deploy into `deployer_namespaces` only."
  type        = list(string)
  default     = []
}

variable "deployer_namespaces" {
  description = "Namespaces that deployers administer."
  type        = list(string)
  default     = ["examhall"]
}

variable "system_nodes" {
  description = "Nodes of the system's own pods: DNS, metrics, controllers."
  type = object({
    instance_types = list(string)
    min            = number
    max            = number
    disk_gib       = number
  })

  validation {
    condition     = var.system_nodes.min >= 2 && var.system_nodes.max >= var.system_nodes.min
    error_message = "system_nodes: at least 2, so that DNS survives the loss of one, and max no less than min."
  }
}

variable "node_pools" {
  description = "Pools of nodes: labelled and tainted examhall.org/pool=NAME. `capacity` is on-demand or spot."
  type = map(object({
    instance_types = list(string)
    capacity       = string
    min            = number
    max            = number
    disk_gib       = number
  }))

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : contains(["on-demand", "spot"], pool.capacity)])
    error_message = "node_pools: capacity is on-demand or spot."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.min >= 0 && pool.max >= max(pool.min, 1)])
    error_message = "node_pools: max is at least 1 and no less than min."
  }

  validation {
    condition = alltrue([for pool in values(var.node_pools) : length(distinct([
      for type in pool.instance_types : can(regex("^[a-z]+[0-9]+g", type))
    ])) == 1])
    error_message = "node_pools: a pool's instance types are all arm64 (m7g, c7g, ...) or all amd64: one image of the node fits one."
  }

  validation {
    condition     = !contains(keys(var.node_pools), "system")
    error_message = "node_pools: the name system is taken by system_nodes."
  }
}

variable "addon_versions" {
  description = "Versions of add-ons by name; one not named follows the cluster's default."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "Key of Kubernetes' secrets and of the nodes' disks."
  type        = string
}

variable "logs_kms_key_arn" {
  description = "Key of the control plane's logs."
  type        = string
}

variable "log_days" {
  description = "How long the control plane's logs are kept."
  type        = number
  default     = 400
}

variable "deletion_protection" {
  description = "The cluster cannot be destroyed."
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
