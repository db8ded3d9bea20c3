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
  name              = "nee-test"
  archive_lock_days = 3650
  archive_lock_mode = "COMPLIANCE"
  kms_key_arn       = "arn:aws:kms:ap-south-1:111122223333:key/blobs"
}

run "only_the_archive_is_locked" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["archive"].object_lock_enabled && !aws_s3_bucket.this["blobs"].object_lock_enabled
    error_message = "archive locked, blobs not"
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.archive.rule[0].default_retention[0].days == 3650
    error_message = "as long as asked"
  }
}

run "names_are_unique_in_the_world" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["archive"].bucket == "nee-test-archive-111122223333"
    error_message = "the account's number is in the name"
  }
}

run "a_compliance_lock_is_refused_where_destroy_must_work" {
  command = plan

  variables {
    deletion_protection = false
  }

  expect_failures = [var.archive_lock_mode]
}
