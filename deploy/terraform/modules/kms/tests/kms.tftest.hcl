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
  name = "nee-test"
  keys = {
    cluster = { description = "nodes", via = ["ec2"], autoscaling = true }
    logs    = { description = "logs", logs = true }
    blobs   = { description = "blobs" }
  }
}

run "each_key_opens_to_those_who_need_it" {
  command = plan

  assert {
    condition     = [for s in data.aws_iam_policy_document.key["cluster"].statement : s.sid] == ["AccountDecidesByIam", "ThroughServices", "AutoScalingVolumes", "AutoScalingGrants"]
    error_message = "nodes' volumes"
  }

  assert {
    condition     = [for s in data.aws_iam_policy_document.key["blobs"].statement : s.sid] == ["AccountDecidesByIam"]
    error_message = "IAM alone decides about blobs"
  }
}

run "keys_rotate_and_are_named" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation]) && aws_kms_alias.this["logs"].name == "alias/nee-test-logs"
    error_message = "rotation and alias"
  }
}
