# The document store: TLS only, encrypted, reached from the cluster only, audited, and gone only on purpose.
# The master password is made and kept by Secrets Manager; neither plan nor state ever has it.

locals {
  version        = [for part in split(".", var.engine_version) : tonumber(part)]
  version_number = local.version[0] * 10000 + local.version[1] * 100 + local.version[2]

  # DocumentDB retries single-document writes since 8.0.2; a driver that retries before that gets errors.
  retry_writes = local.version_number >= 80002
  # Burstable classes have no Performance Insights.
  insights = !startswith(var.instance_class, "db.t")
}

resource "aws_docdb_cluster" "this" {
  cluster_identifier              = var.name
  engine                          = "docdb"
  engine_version                  = var.engine_version
  port                            = 27017
  master_username                 = "hall"
  manage_master_user_password     = true
  db_subnet_group_name            = aws_docdb_subnet_group.this.name
  db_cluster_parameter_group_name = aws_docdb_cluster_parameter_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  storage_encrypted               = true
  kms_key_id                      = var.kms_key_arn
  storage_type                    = var.storage_type
  backup_retention_period         = var.backup_days
  preferred_backup_window         = var.backup_window
  preferred_maintenance_window    = var.maintenance_window
  enabled_cloudwatch_logs_exports = ["audit", "profiler"]
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${var.name}-final" : null
  apply_immediately               = false
  tags                            = var.tags

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_docdb_cluster_instance" "this" {
  count = var.instances

  identifier                      = "${var.name}-${count.index}"
  cluster_identifier              = aws_docdb_cluster.this.id
  instance_class                  = var.instance_class
  ca_cert_identifier              = "rds-ca-rsa2048-g1"
  promotion_tier                  = count.index
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  enable_performance_insights     = local.insights
  performance_insights_kms_key_id = local.insights ? var.kms_key_arn : null
  preferred_maintenance_window    = var.maintenance_window
  tags                            = var.tags
}

resource "aws_docdb_subnet_group" "this" {
  name        = var.name
  description = "database subnets: no route out"
  subnet_ids  = var.subnet_ids
  tags        = var.tags
}

resource "aws_docdb_cluster_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "docdb${local.version[0]}.${local.version[1]}"
  description = "TLS only, everything audited"
  tags        = var.tags

  dynamic "parameter" {
    for_each = {
      tls                                  = "enabled"
      audit_logs                           = "all"
      profiler                             = "enabled"
      ttl_monitor                          = "enabled"
      change_stream_log_retention_duration = "10800"
    }

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["audit", "profiler"])

  name              = "/aws/docdb/${var.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = var.logs_kms_key_arn
  tags              = var.tags
}

resource "aws_security_group" "this" {
  name        = "${var.name}-documents"
  description = "Document store"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-documents" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "MongoDB protocol (TLS) from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 27017
  to_port                      = 27017
  referenced_security_group_id = each.value
}
