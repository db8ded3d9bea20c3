variable "name" {
  description = "Prefix of the buckets' names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.name))
    error_message = "name: at most 41 lower-case letters, digits and hyphens (a word and the account follow, 63 in all)."
  }
}

variable "archive_lock_days" {
  description = "How long an archived answer can be neither changed nor deleted."
  type        = number

  validation {
    condition     = var.archive_lock_days >= 1
    error_message = "archive_lock_days: at least 1."
  }
}

variable "archive_lock_mode" {
  description = "GOVERNANCE: who has s3:BypassGovernanceRetention may. COMPLIANCE: nobody may, and it cannot be shortened."
  type        = string

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.archive_lock_mode)
    error_message = "archive_lock_mode: GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = !(var.archive_lock_mode == "COMPLIANCE" && !var.deletion_protection)
    error_message = "archive_lock_mode: a COMPLIANCE lock outlives any destroy; deletion_protection must be on."
  }
}

variable "access_log_days" {
  description = "How long access logs are kept."
  type        = number
  default     = 400
}

variable "kms_key_arn" {
  description = "Key of blobs and archive."
  type        = string
}

variable "deletion_protection" {
  description = "Buckets that hold something cannot be destroyed."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
