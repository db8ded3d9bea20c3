variable "name" {
  description = "Prefix of names, and the value of karpenter.sh/discovery."
  type        = string
}

variable "cidr" {
  description = "The VPC's addresses."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20
    error_message = "cidr: an IPv4 block from /16 to /20, such as 10.87.0.0/16."
  }

  validation {
    condition     = can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr))
    error_message = "cidr: take a private block (10/8, 172.16/12 or 192.168/16)."
  }
}

variable "zones" {
  description = "Availability zones. Three, so that each quorum survives the loss of one."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones: three different ones, such as ap-south-1a, ap-south-1b, ap-south-1c."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone: no zone's way out depends on another. False: one for all."
  type        = bool
  default     = true
}

variable "flow_log_days" {
  description = "How long flow logs are kept."
  type        = number
  default     = 400
}

variable "interface_endpoints" {
  description = "AWS services that get an interface in the private subnets."
  type        = list(string)
  default = [
    "aps-workspaces", "ec2", "ecr.api", "ecr.dkr", "eks-auth", "kms", "logs", "secretsmanager", "sts",
  ]
}

variable "logs_kms_key_arn" {
  description = "Key of the flow logs."
  type        = string
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
