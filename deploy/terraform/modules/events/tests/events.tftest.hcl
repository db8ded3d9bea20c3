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
  name                      = "nee-test"
  kafka_version             = "3.9.x.kraft"
  broker_type               = "kafka.m7g.xlarge"
  storage_gib               = 500
  storage_gib_max           = 4000
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-a", "subnet-b", "subnet-c"]
  client_security_group_ids = { cluster = "sg-1" }
  kms_key_arn               = "arn:aws:kms:ap-south-1:111122223333:key/events"
  secrets_kms_key_arn       = "arn:aws:kms:ap-south-1:111122223333:key/secrets"
  logs_kms_key_arn          = "arn:aws:kms:ap-south-1:111122223333:key/logs"
}

run "brokers_come_in_threes" {
  command = plan

  variables {
    brokers_per_zone = 2
  }

  assert {
    condition     = aws_msk_cluster.this.number_of_broker_nodes == 6
    error_message = "two in each of three zones"
  }
}

run "only_tls_ports_are_open_and_only_to_named_groups" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.client : rule.from_port]) == toset([9096, 9098])
    error_message = "SCRAM and IAM, both TLS"
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.client : rule.referenced_security_group_id == "sg-1"])
    error_message = "from groups, not addresses"
  }
}

run "an_acknowledgement_takes_two_brokers" {
  command = plan

  assert {
    condition = alltrue([for line in [
      "min.insync.replicas=2", "default.replication.factor=3", "unclean.leader.election.enable=false",
    ] : contains(split("\n", aws_msk_configuration.this.server_properties), line)])
    error_message = "what keeps an acknowledged answer is set"
  }
}

run "what_keeps_answers_cannot_be_turned_off" {
  command = plan

  variables {
    server_properties = { "min.insync.replicas" = "1" }
  }

  expect_failures = [var.server_properties]
}

run "express_brokers_bring_their_own_storage_and_logs" {
  command = plan

  variables {
    broker_type = "express.m7g.large"
  }

  assert {
    condition     = length(aws_msk_cluster.this.logging_info) == 0 && length(aws_appautoscaling_target.storage) == 0
    error_message = "no broker logs, no storage autoscaling"
  }

  assert {
    condition     = !strcontains(aws_msk_configuration.this.server_properties, "unclean.leader")
    error_message = "a property they refuse is not sent"
  }
}

run "a_zookeeper_version_is_refused" {
  command = plan

  variables {
    kafka_version = "3.9.x"
  }

  expect_failures = [var.kafka_version]
}

run "a_disk_that_could_not_grow_is_refused" {
  command = plan

  variables {
    storage_gib_max = 100
  }

  expect_failures = [var.storage_gib_max]
}
