variable "name" {
  description = "The hall, such as nee-2027: prefix of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 24
    error_message = "name: at most 24 lower-case letters, digits and single hyphens."
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
  description = "The account. Credentials of any other are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account: 12 digits."
  }
}

variable "ci" {
  description = <<-EOT
    The pipeline's identity provider, and who may take which role: exact subjects of its tokens.
    GitHub: repo:ORG/REPO:pull_request, repo:ORG/REPO:ref:refs/heads/main, repo:ORG/REPO:environment:prod.
    GitLab: project_path:GROUP/PROJECT:ref_type:branch:ref:main.
  EOT
  type = object({
    issuer   = string
    audience = string
    subjects = object({
      plan   = list(string)
      image  = list(string)
      deploy = list(string)
    })
  })

  validation {
    condition     = can(regex("^https://[^/]+(/.*)?$", var.ci.issuer))
    error_message = "ci.issuer: an https address."
  }

  validation {
    condition     = alltrue([for subject in flatten(values(var.ci.subjects)) : !strcontains(subject, "*") && length(subject) > 8])
    error_message = "ci.subjects: exact subjects; a * would let other branches or repositories in."
  }

  validation {
    condition     = alltrue([for subjects in values(var.ci.subjects) : length(subjects) > 0])
    error_message = "ci.subjects: at least one for each of plan, image and deploy."
  }

  validation {
    condition     = length(setintersection(var.ci.subjects.plan, var.ci.subjects.deploy)) == 0
    error_message = "ci.subjects: whoever may only plan must not be able to deploy."
  }
}

variable "tags" {
  description = "Further tags of everything, such as Owner and CostCenter."
  type        = map(string)
  default     = {}
}
