# The log of events: three zones, three copies, two before an acknowledgement, and never an unclean leader, so that an
# acknowledged answer survives the loss of a zone. KRaft only. Clients speak TLS and come in by SCRAM (librdkafka's
# way) or IAM; nothing is open without either.

data "aws_caller_identity" "current" {}

locals {
  express = startswith(var.broker_type, "express.")
  ports   = { scram = 9096, iam = 9098 }
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers_per_zone * length(var.subnet_ids)
  enhanced_monitoring    = var.enhanced_monitoring
  storage_mode           = local.express ? null : "LOCAL"
  tags                   = var.tags

  broker_node_group_info {
    instance_type   = var.broker_type
    client_subnets  = var.subnet_ids
    security_groups = [aws_security_group.this.id]

    connectivity_info {
      public_access {
        type = "DISABLED"
      }
    }

    # Express brokers bring their own storage.
    dynamic "storage_info" {
      for_each = local.express ? [] : [1]

      content {
        ebs_storage_info {
          volume_size = var.storage_gib
        }
      }
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  client_authentication {
    unauthenticated = false

    sasl {
      scram = true
      iam   = true
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.kms_key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }

      node_exporter {
        enabled_in_broker = true
      }
    }
  }

  # Express brokers have no broker logs to hand out.
  dynamic "logging_info" {
    for_each = local.express ? [] : [1]

    content {
      broker_logs {
        cloudwatch_logs {
          enabled   = true
          log_group = aws_cloudwatch_log_group.this.name
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size] # grows by itself, below
  }
}

resource "aws_msk_configuration" "this" {
  name           = var.name
  description    = "no answer is acknowledged by fewer than two brokers"
  kafka_versions = [var.kafka_version]
  server_properties = join("\n", [for key, value in merge({
    "auto.create.topics.enable"  = "false"
    "default.replication.factor" = "3"
    "min.insync.replicas"        = "2"
    },
    # Express brokers fix this one to false themselves and refuse to be told.
    local.express ? {} : { "unclean.leader.election.enable" = "false" },
    var.server_properties,
  ) : "${key}=${value}"])

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/msk/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.logs_kms_key_arn
  tags              = var.tags
}

# --- who reaches it -----------------------------------------------------------------------------------------------

resource "aws_security_group" "this" {
  name        = "${var.name}-events"
  description = "Kafka brokers"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-events" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = { for pair in setproduct(keys(local.ports), keys(var.client_security_group_ids)) : "${pair[0]}-${pair[1]}" => pair }

  security_group_id            = aws_security_group.this.id
  description                  = "Kafka (${each.value[0]}, TLS) from ${each.value[1]}"
  ip_protocol                  = "tcp"
  from_port                    = local.ports[each.value[0]]
  to_port                      = local.ports[each.value[0]]
  referenced_security_group_id = var.client_security_group_ids[each.value[1]]
}

# --- the hall's user: its password is made here, written to the secret, and kept in no plan and no state ----------

ephemeral "aws_secretsmanager_random_password" "scram" {
  password_length     = 48
  exclude_punctuation = true
}

# The prefix is MSK's: it associates no secret without it, and none under the account's default key.
resource "aws_secretsmanager_secret" "scram" {
  name                    = "AmazonMSK_${var.name}"
  description             = "SCRAM user of the hall's services"
  kms_key_id              = var.secrets_kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "scram" {
  secret_id = aws_secretsmanager_secret.scram.id
  secret_string_wo = jsonencode({
    username = "examhall"
    password = ephemeral.aws_secretsmanager_random_password.scram.random_password
  })
  secret_string_wo_version = var.password_version
}

resource "aws_secretsmanager_secret_policy" "scram" {
  secret_arn          = aws_secretsmanager_secret.scram.arn
  block_public_policy = true
  policy              = data.aws_iam_policy_document.scram.json
}

data "aws_iam_policy_document" "scram" {
  statement {
    sid       = "BrokersReadIt"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.scram.arn]

    principals {
      type        = "Service"
      identifiers = ["kafka.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_msk_scram_secret_association" "this" {
  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = [aws_secretsmanager_secret.scram.arn]

  depends_on = [aws_secretsmanager_secret_version.scram, aws_secretsmanager_secret_policy.scram]
}

# --- disks grow before they are full; they never shrink -----------------------------------------------------------

resource "aws_appautoscaling_target" "storage" {
  count = local.express ? 0 : 1

  service_namespace  = "kafka"
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  resource_id        = aws_msk_cluster.this.arn
  min_capacity       = 1
  max_capacity       = var.storage_gib_max
  tags               = var.tags
}

resource "aws_appautoscaling_policy" "storage" {
  count = local.express ? 0 : 1

  name               = "${var.name}-broker-storage"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.storage[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.storage[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.storage[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value     = 60
    disable_scale_in = true

    predefined_metric_specification {
      predefined_metric_type = "KafkaBrokerStorageUtilization"
    }
  }
}
