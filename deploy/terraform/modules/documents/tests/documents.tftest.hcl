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

  mock_resource "aws_docdb_cluster" {
    defaults = {
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:ap-south-1:111122223333:secret:rds!cluster-1", secret_status = "active", kms_key_id = "key" }]
    }
  }
}

variables {
  name                      = "nee-test"
  engine_version            = "5.0.0"
  instance_class            = "db.r6g.2xlarge"
  instances                 = 3
  backup_days               = 35
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-a", "subnet-b", "subnet-c"]
  client_security_group_ids = { cluster = "sg-1" }
  kms_key_arn               = "arn:aws:kms:ap-south-1:111122223333:key/documents"
  logs_kms_key_arn          = "arn:aws:kms:ap-south-1:111122223333:key/logs"
}

run "five_cannot_retry_writes" {
  command = plan

  assert {
    condition     = output.retry_writes == false && strcontains(output.uri_options, "retryWrites=false")
    error_message = "retried writes are errors before 8.0.2"
  }

  assert {
    condition     = aws_docdb_cluster_parameter_group.this.family == "docdb5.0"
    error_message = "family of the version"
  }
}

run "eight_oh_two_can" {
  command = plan

  variables {
    engine_version = "8.0.2"
  }

  assert {
    condition     = output.retry_writes && aws_docdb_cluster_parameter_group.this.family == "docdb8.0"
    error_message = "8.0.2 retries"
  }
}

run "eight_oh_one_cannot" {
  command = plan

  variables {
    engine_version = "8.0.1"
  }

  assert {
    condition     = !output.retry_writes
    error_message = "8.0.1 does not"
  }
}

run "protected_leaves_a_last_snapshot" {
  command = plan

  assert {
    condition     = !aws_docdb_cluster.this.skip_final_snapshot && aws_docdb_cluster.this.final_snapshot_identifier == "nee-test-final"
    error_message = "a snapshot when it goes"
  }

  assert {
    condition     = aws_docdb_cluster_instance.this[0].enable_performance_insights
    error_message = "insights on a class that has them"
  }
}

run "unprotected_goes_without_a_trace" {
  command = plan

  variables {
    deletion_protection = false
    instance_class      = "db.t4g.medium"
    instances           = 2
  }

  assert {
    condition     = aws_docdb_cluster.this.skip_final_snapshot && aws_docdb_cluster.this.final_snapshot_identifier == null
    error_message = "no snapshot"
  }

  assert {
    condition     = !aws_docdb_cluster_instance.this[0].enable_performance_insights
    error_message = "burstable classes have no insights"
  }
}

run "one_instance_is_refused" {
  command = plan

  variables {
    instances = 1
  }

  expect_failures = [var.instances]
}

run "backups_of_a_day_are_refused" {
  command = plan

  variables {
    backup_days = 1
  }

  expect_failures = [var.backup_days]
}
