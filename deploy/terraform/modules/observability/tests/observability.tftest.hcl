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
  name                         = "nee-test"
  log_days                     = 30
  events_cluster_name          = "nee-test"
  events_brokers               = 3
  documents_cluster_identifier = "nee-test"
  load_balancer_arn_suffix     = "net/nee-test/1"
  target_group_arn_suffix      = "targetgroup/nee-test/1"
  logs_kms_key_arn             = "arn:aws:kms:ap-south-1:111122223333:key/logs"
  metrics_kms_key_arn          = "arn:aws:kms:ap-south-1:111122223333:key/metrics"
  alarms_kms_key_arn           = "arn:aws:kms:ap-south-1:111122223333:key/metrics"
}

run "silence_of_what_must_be_there_is_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["edge-none"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["events-disk-1"].treat_missing_data == "notBreaching"
    error_message = "no data about gateways is no gateway"
  }
}

run "each_brokers_disk_has_its_own_alarm" {
  command = plan

  assert {
    condition = toset([
      for name, alarm in aws_cloudwatch_metric_alarm.this : alarm.dimensions["Broker ID"] if startswith(name, "events-disk-")
    ]) == toset(["1", "2", "3"])
    error_message = "AWS has that metric for each broker, and none for the cluster"
  }
}

run "a_broker_whose_partitions_take_no_saves_is_an_alarm" {
  command = plan

  assert {
    condition = alltrue([for broker in ["1", "2", "3"] :
      aws_cloudwatch_metric_alarm.this["events-copies-${broker}"].dimensions["Broker ID"] == broker
    ])
    error_message = "fewer copies than min.insync.replicas: the producer is refused"
  }
}

run "one_active_controller_among_those_that_wait_is_enough" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["events-controller"].statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.this["events-controller"].threshold == 1
      && aws_cloudwatch_metric_alarm.this["events-controller"].comparison_operator == "LessThanThreshold"
    )
    error_message = "those that wait have 0: an average of all would ring always"
  }
}

run "express_brokers_have_no_alarm_of_what_they_do_not_measure" {
  command = plan

  variables {
    events_brokers = 0
  }

  assert {
    condition = toset([
      for name, alarm in aws_cloudwatch_metric_alarm.this : name if alarm.namespace == "AWS/Kafka"
    ]) == toset(["events-controller"])
    error_message = "an alarm without a figure never rings, and looks as if all were well"
  }
}

run "without_a_topic_alarms_tell_nobody" {
  command = plan

  variables {
    alarm_topic = false
    metrics     = false
  }

  assert {
    condition     = length(aws_sns_topic.alarms) == 0 && length(aws_prometheus_workspace.this) == 0 && output.remote_write_url == null
    error_message = "neither is made"
  }
}

run "days_that_cloudwatch_does_not_know_are_refused" {
  command = plan

  variables {
    log_days = 31
  }

  expect_failures = [var.log_days]
}
