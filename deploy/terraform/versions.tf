terraform {
  # 1.11: write-only arguments keep passwords out of plan and state; 1.10: the bucket itself holds the lock.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7.0"
    }
  }

  # tofu init -backend-config=.../environments/ENV/backend.hcl
  backend "s3" {}
}
