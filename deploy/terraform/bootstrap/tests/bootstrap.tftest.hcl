mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "ap-south-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  name    = "nee-2027"
  region  = "ap-south-1"
  account = "111122223333"
  ci = {
    issuer   = "https://ci.example.org"
    audience = "aws"
    subjects = {
      plan   = ["project_path:authority/hall:ref_type:branch:ref:topic"]
      image  = ["project_path:authority/hall:ref_type:branch:ref:main"]
      deploy = ["project_path:authority/hall:ref_type:tag:ref:prod"]
    }
  }
}

run "names_are_those_that_every_backend_file_has" {
  command = plan

  assert {
    condition     = output.state_bucket == "nee-2027-state-111122223333" && output.state_key_alias == "alias/nee-2027-state"
    error_message = "as `examhall env render` writes them"
  }
}

run "each_role_trusts_its_own_subjects" {
  command = plan

  assert {
    condition = alltrue([for role, subjects in var.ci.subjects : anytrue([
      for c in data.aws_iam_policy_document.ci_trust[role].statement[0].condition :
      c.variable == "ci.example.org:sub" && join(",", c.values) == join(",", subjects)
    ])])
    error_message = "exact subjects"
  }
}

run "the_masters_secret_can_be_made_and_not_read" {
  command = plan

  assert {
    condition     = [for s in data.aws_iam_policy_document.deploy_services.statement : s.actions if s.sid == "MastersSecret"] == [toset(["secretsmanager:TagResource"])]
    error_message = "RDS makes and tags it in the name of whoever makes the cluster"
  }
}

run "a_star_in_a_subject_is_refused" {
  command = plan

  variables {
    ci = {
      issuer   = "https://ci.example.org"
      audience = "aws"
      subjects = { plan = ["repo:authority/*"], image = ["repo:authority/hall:main"], deploy = ["repo:authority/hall:prod"] }
    }
  }

  expect_failures = [var.ci]
}

run "who_plans_does_not_deploy" {
  command = plan

  variables {
    ci = {
      issuer   = "https://ci.example.org"
      audience = "aws"
      subjects = { plan = ["repo:authority/hall:main"], image = ["repo:authority/hall:main"], deploy = ["repo:authority/hall:main"] }
    }
  }

  expect_failures = [var.ci]
}
