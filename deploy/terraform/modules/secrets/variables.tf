variable "prefix" {
  description = "What precedes each name: HALL/ENVIRONMENT."
  type        = string
}

variable "names" {
  description = "Names of the secrets."
  type        = list(string)

  validation {
    condition     = length(distinct(var.names)) == length(var.names) && alltrue([for name in var.names : can(regex("^[a-z][a-z0-9-]*$", name))])
    error_message = "names: different words of lower-case letters, digits and hyphens."
  }
}

variable "written" {
  description = "Which of `names` get their value from `values`."
  type        = list(string)
  default     = []
}

variable "values" {
  description = "Values by name. Addresses only: what is secret is made where it is used."
  type        = map(string)
  default     = {}
}

variable "recovery_days" {
  description = "Days that a deleted secret can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30
    error_message = "recovery_days: AWS takes 7 to 30."
  }
}

variable "kms_key_arn" {
  description = "Key of the secrets."
  type        = string
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
