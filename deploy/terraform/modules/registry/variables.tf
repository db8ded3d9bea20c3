variable "repository" {
  description = "Name of the repository, such as nee-2027/examhall."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.repository))
    error_message = "repository: lower-case letters, digits and single . _ - / between them."
  }
}

variable "keep_images" {
  description = "How many images are kept."
  type        = number
  default     = 200

  validation {
    condition     = var.keep_images >= 10
    error_message = "keep_images: at least 10, or a roll-back may find its image gone."
  }
}

variable "pull_account_ids" {
  description = "Accounts of other environments that copy images from here."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.pull_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "pull_account_ids: account numbers of 12 digits."
  }
}

variable "kms_key_arn" {
  description = "Key of the layers."
  type        = string
}

variable "deletion_protection" {
  description = "A repository that still has images cannot be destroyed."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default_tags."
  type        = map(string)
  default     = {}
}
