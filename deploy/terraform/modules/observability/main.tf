# Where metrics, logs and alarms of the hall go. Alarms here are about what AWS runs for us; the hall's own objectives
# are Prometheus rules, rendered from the spec.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_cloudwatch_log_group" "hall" {
  name              = "/examhall/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.logs_kms_key_arn
  tags              = var.tags
}

# --- metrics ------------------------------------------------------------------------------------------------------

resource "aws_prometheus_workspace" "this" {
  count = var.metrics ? 1 : 0

  alias       = var.name
  kms_key_arn = var.metrics_kms_key_arn
  tags        = var.tags

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.prometheus[0].arn}:*"
  }
}

resource "aws_cloudwatch_log_group" "prometheus" {
  count = var.metrics ? 1 : 0

  name              = "/aws/vendedlogs/prometheus/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.logs_kms_key_arn
  tags              = var.tags
}

resource "aws_prometheus_alert_manager_definition" "this" {
  count = var.metrics && var.alarm_topic ? 1 : 0

  workspace_id = aws_prometheus_workspace.this[0].id
  definition = yamlencode({
    alertmanager_config = yamlencode({
      route = {
        receiver        = "topic"
        group_by        = ["alertname", "service"]
        group_wait      = "30s"
        group_interval  = "2m"
        repeat_interval = "1h"
      }
      receivers = [{
        name = "topic"
        sns_configs = [{
          topic_arn = aws_sns_topic.alarms[0].arn
          sigv4     = { region = data.aws_region.current.region }
        }]
      }]
    })
  })
}

# --- the topic that alarms go to ----------------------------------------------------------------------------------

resource "aws_sns_topic" "alarms" {
  count = var.alarm_topic ? 1 : 0

  name              = "${var.name}-alarms"
  kms_master_key_id = var.alarms_kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.alarm_topic ? 1 : 0

  arn    = aws_sns_topic.alarms[0].arn
  policy = data.aws_iam_policy_document.alarms[0].json
}

data "aws_iam_policy_document" "alarms" {
  count = var.alarm_topic ? 1 : 0

  statement {
    sid       = "OwnAlarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[0].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "aps.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

# --- alarms: one row each -----------------------------------------------------------------------------------------

locals {
  # AWS knows a disk by its broker only: an alarm of the whole cluster would never hear of one. Brokers count from 1.
  disk_alarms = {
    for broker in range(1, var.events_brokers + 1) : "events-disk-${broker}" => {
      about     = "the disk of broker ${broker} is filling: storage autoscaling has not kept up"
      namespace = "AWS/Kafka", metric = "KafkaDataLogsDiskUsed", statistic = "Maximum", above = 80, minutes = 5
      of        = { "Cluster Name" = var.events_cluster_name, "Broker ID" = tostring(broker) }
    }
  }

  # Measured from PER_BROKER on, which both sizes have.
  copy_alarms = {
    for broker in range(1, var.events_brokers + 1) : "events-copies-${broker}" => {
      about     = "partitions of broker ${broker} have fewer copies than an acknowledgement takes: saves to them fail"
      namespace = "AWS/Kafka", metric = "UnderMinIsrPartitionCount", statistic = "Maximum", above = 0, minutes = 1
      of        = { "Cluster Name" = var.events_cluster_name, "Broker ID" = tostring(broker) }
    }
  }

  # Express brokers do not have this figure, nor those above: an alarm of it would be silent for ever.
  offline_alarms = {
    for name, alarm in {
      events-offline = {
        about     = "partitions have no leader: saves to them wait"
        namespace = "AWS/Kafka", metric = "OfflinePartitionsCount", statistic = "Maximum", above = 0, minutes = 1
        of        = { "Cluster Name" = var.events_cluster_name }
      }
    } : name => alarm if var.events_brokers > 0
  }

  alarms = merge(local.disk_alarms, local.copy_alarms, local.offline_alarms, {
    # Maximum, since only controllers have the figure (KRaft), and of these only the active one has 1.
    events-controller = {
      about     = "the cluster has no active controller"
      namespace = "AWS/Kafka", metric = "ActiveControllerCount", statistic = "Maximum", below = 1, minutes = 3
      of        = { "Cluster Name" = var.events_cluster_name }
    }
    documents-cpu = {
      about     = "the document store is short of CPU"
      namespace = "AWS/DocDB", metric = "CPUUtilization", statistic = "Average", above = 80, minutes = 5
      of        = { DBClusterIdentifier = var.documents_cluster_identifier }
    }
    documents-memory = {
      about     = "the document store is short of memory and throttles"
      namespace = "AWS/DocDB", metric = "LowMemNumOperationsThrottled", statistic = "Sum", above = 0, minutes = 5
      of        = { DBClusterIdentifier = var.documents_cluster_identifier }
    }
    documents-lag = {
      about     = "readers are more than 2 s behind the writer"
      namespace = "AWS/DocDB", metric = "DBClusterReplicaLagMaximum", statistic = "Maximum", above = 2000, minutes = 3
      of        = { DBClusterIdentifier = var.documents_cluster_identifier }
    }
    edge-unhealthy = {
      about     = "gateways do not answer the load balancer"
      namespace = "AWS/NetworkELB", metric = "UnHealthyHostCount", statistic = "Maximum", above = 0, minutes = 3
      of        = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }
    }
    edge-none = {
      about     = "no gateway answers the load balancer"
      namespace = "AWS/NetworkELB", metric = "HealthyHostCount", statistic = "Minimum", below = 1, minutes = 1
      of        = { LoadBalancer = var.load_balancer_arn_suffix, TargetGroup = var.target_group_arn_suffix }
    }
  })
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.about
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.of
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = can(each.value.below) ? "breaching" : "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
  tags                = var.tags
}
