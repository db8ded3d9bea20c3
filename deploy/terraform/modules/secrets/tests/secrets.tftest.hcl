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
  prefix      = "nee-2027/test"
  names       = ["keys", "tls", "connections"]
  kms_key_arn = "arn:aws:kms:ap-south-1:111122223333:key/secrets"
}

run "only_what_is_to_be_written_is_written" {
  command = plan

  variables {
    written = ["connections"]
    values  = { connections = "{}" }
  }

  assert {
    condition     = length(aws_secretsmanager_secret.this) == 3 && keys(aws_secretsmanager_secret_version.this) == ["connections"]
    error_message = "three secrets, one value"
  }

  assert {
    condition     = aws_secretsmanager_secret_version.this["connections"].secret_string == null
    error_message = "the value is written only"
  }
}

run "names_that_are_no_words_are_refused" {
  command = plan

  variables {
    names = ["Keys!"]
  }

  expect_failures = [var.names]
}
