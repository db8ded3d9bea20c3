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
  name             = "nee-test"
  cidr             = "10.87.0.0/16"
  zones            = ["ap-south-1a", "ap-south-1b", "ap-south-1c"]
  logs_kms_key_arn = "arn:aws:kms:ap-south-1:111122223333:key/logs"
}

run "subnets_cover_three_zones_and_do_not_overlap" {
  command = plan

  assert {
    condition     = length(distinct(flatten([for tier in local.subnets : values(tier)]))) == 12
    error_message = "twelve different blocks"
  }

  assert {
    condition     = aws_subnet.private["ap-south-1a"].cidr_block == "10.87.0.0/19" && aws_subnet.intra["ap-south-1c"].cidr_block == "10.87.128.0/22"
    error_message = "private subnets first, /19 each; then the small ones, /22"
  }
}

run "a_gateway_in_each_zone_unless_told_otherwise" {
  command = plan

  assert {
    condition     = length(aws_nat_gateway.this) == 3
    error_message = "one NAT gateway a zone"
  }
}

run "one_gateway_serves_all_zones_when_that_is_asked_for" {
  command = plan

  variables {
    nat_per_zone = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private) == 3
    error_message = "one NAT gateway, a route in every zone"
  }
}

run "two_zones_are_refused" {
  command = plan

  variables {
    zones = ["ap-south-1a", "ap-south-1b"]
  }

  expect_failures = [var.zones]
}

run "a_block_too_small_for_pods_is_refused" {
  command = plan

  variables {
    cidr = "10.87.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "somebody_elses_addresses_are_refused" {
  command = plan

  variables {
    cidr = "8.8.0.0/16"
  }

  expect_failures = [var.cidr]
}
