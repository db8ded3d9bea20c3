# One hall's environment. Every environment applies these files unchanged; what differs is in its terraform.tfvars.json,
# which `examhall env render` writes (docs/environments.md), and in its backend.hcl.
#
#   network ─┬─ cluster ─┬─ edge
#   kms ─────┼─ events ──┼─ workloads
#            ├─ documents┼─ observability
#            └─ blobs ───┴─ secrets (addresses, for the chart)

locals {
  name = "${var.name}-${var.environment}"

  # Made by bootstrap/: whatever a pipeline with a stolen token made, it could not grow beyond this.
  boundary = "arn:${data.aws_partition.current.partition}:iam::${var.account}:policy/${var.name}-boundary"
  deployer = "arn:${data.aws_partition.current.partition}:iam::${var.account}:role/${var.name}-deploy"
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = var.tags
  }
}

data "aws_partition" "current" {}

module "kms" {
  source = "./modules/kms"

  name = local.name
  keys = {
    cluster   = { description = "Kubernetes secrets, nodes' disks", via = ["ec2"], autoscaling = true }
    events    = { description = "Kafka brokers' disks" }
    documents = { description = "document store, its backups and insights", via = ["rds"] }
    blobs     = { description = "papers, results, archived answers" }
    registry  = { description = "images" }
    secrets   = { description = "secrets" }
    logs      = { description = "logs", logs = true }
    metrics   = { description = "metrics and alarms", services = ["cloudwatch.amazonaws.com", "aps.amazonaws.com"] }
  }
  deletion_window_in_days = var.secrets.recovery_days
}

module "network" {
  source = "./modules/network"

  name                 = local.name
  cidr                 = var.network.cidr
  zones                = var.network.zones
  nat_per_zone         = var.network.nat_per_zone
  flow_log_days        = var.network.flow_log_days
  logs_kms_key_arn     = module.kms.key_arns["logs"]
  permissions_boundary = local.boundary
}

module "registry" {
  source = "./modules/registry"

  repository          = var.registry.repository
  keep_images         = var.registry.keep_images
  pull_account_ids    = var.registry.pull_account_ids
  kms_key_arn         = module.kms.key_arns["registry"]
  deletion_protection = var.blobs.deletion_protection
}

module "cluster" {
  source = "./modules/cluster"

  name                     = local.name
  cluster_version          = var.cluster.version
  control_plane_subnet_ids = module.network.intra_subnet_ids
  node_subnet_ids          = module.network.private_subnet_ids
  public_access_cidrs      = var.cluster.public_access_cidrs
  admin_role_arns          = var.cluster.admin_role_arns
  deployer_role_arns       = [local.deployer]
  deployer_namespaces      = [var.workloads.namespace]
  system_nodes             = var.cluster.system_nodes
  node_pools               = var.cluster.node_pools
  kms_key_arn              = module.kms.key_arns["cluster"]
  logs_kms_key_arn         = module.kms.key_arns["logs"]
  log_days                 = var.observability.log_days
  deletion_protection      = var.cluster.deletion_protection
  permissions_boundary     = local.boundary
}

module "edge" {
  source = "./modules/edge"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  public_subnet_ids         = module.network.public_subnet_ids
  cluster_name              = module.cluster.cluster_name
  cluster_security_group_id = module.cluster.cluster_security_group_id
  pod_trust_policy          = module.cluster.pod_trust_policy
  deletion_protection       = var.cluster.deletion_protection
  permissions_boundary      = local.boundary
}

module "events" {
  source = "./modules/events"

  name                      = local.name
  kafka_version             = var.events.kafka_version
  broker_type               = var.events.broker_type
  brokers_per_zone          = var.events.brokers_per_zone
  storage_gib               = var.events.storage_gib
  storage_gib_max           = var.events.storage_gib_max
  enhanced_monitoring       = var.events.enhanced_monitoring
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.database_subnet_ids
  client_security_group_ids = { cluster = module.cluster.cluster_security_group_id }
  kms_key_arn               = module.kms.key_arns["events"]
  secrets_kms_key_arn       = module.kms.key_arns["secrets"]
  logs_kms_key_arn          = module.kms.key_arns["logs"]
  log_days                  = var.observability.log_days
  secret_recovery_days      = var.secrets.recovery_days
}

module "documents" {
  source = "./modules/documents"

  name                      = local.name
  engine_version            = var.documents.engine_version
  instance_class            = var.documents.class
  instances                 = var.documents.instances
  storage_type              = var.documents.storage_type
  backup_days               = var.documents.backup_days
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.database_subnet_ids
  client_security_group_ids = { cluster = module.cluster.cluster_security_group_id }
  kms_key_arn               = module.kms.key_arns["documents"]
  logs_kms_key_arn          = module.kms.key_arns["logs"]
  log_days                  = var.observability.log_days
  deletion_protection       = var.documents.deletion_protection
}

module "blobs" {
  source = "./modules/blobs"

  name                = local.name
  archive_lock_days   = var.blobs.archive_lock_days
  archive_lock_mode   = var.blobs.archive_lock_mode
  access_log_days     = var.observability.log_days
  kms_key_arn         = module.kms.key_arns["blobs"]
  deletion_protection = var.blobs.deletion_protection
}

module "secrets" {
  source = "./modules/secrets"

  prefix        = "${var.name}/${var.environment}"
  names         = var.secrets.names
  written       = ["connections"]
  values        = { connections = jsonencode(local.connections) }
  recovery_days = var.secrets.recovery_days
  kms_key_arn   = module.kms.key_arns["secrets"]
}

locals {
  # What the chart needs and only apply knows. Passwords are not here but in the two secrets it names.
  connections = {
    events = {
      brokers   = module.events.bootstrap_brokers_sasl_scram
      mechanism = "SCRAM-SHA-512"
      secret    = module.events.scram_secret_arn
    }
    documents = {
      endpoint = module.documents.endpoint
      options  = module.documents.uri_options
      secret   = module.documents.master_user_secret_arn
    }
    blobs   = { bucket = module.blobs.bucket_names["blobs"], region = var.region }
    archive = { bucket = module.blobs.bucket_names["archive"], region = var.region }
    metrics = { remote_write_url = module.observability.remote_write_url }
  }
}

module "workloads" {
  source = "./modules/workloads"

  name                  = local.name
  region                = var.region
  namespace             = var.workloads.namespace
  service_accounts      = var.workloads.service_accounts
  cluster_name          = module.cluster.cluster_name
  pod_trust_policy      = module.cluster.pod_trust_policy
  events_cluster_arn    = module.events.cluster_arn
  bucket_arns           = [module.blobs.bucket_arns["blobs"], module.blobs.bucket_arns["archive"]]
  blobs_kms_key_arn     = module.kms.key_arns["blobs"]
  secrets_kms_key_arn   = module.kms.key_arns["secrets"]
  metrics               = var.observability.metrics
  metrics_workspace_arn = module.observability.workspace_arn
  permissions_boundary  = local.boundary
  secret_arns = concat(
    values(module.secrets.secret_arns),
    [module.events.scram_secret_arn, module.documents.master_user_secret_arn],
  )
}

module "observability" {
  source = "./modules/observability"

  name                         = local.name
  log_days                     = var.observability.log_days
  metrics                      = var.observability.metrics
  alarm_topic                  = var.observability.alarm_topic
  events_cluster_name          = module.events.cluster_name
  events_brokers               = module.events.disks
  documents_cluster_identifier = module.documents.cluster_identifier
  load_balancer_arn_suffix     = module.edge.load_balancer_arn_suffix
  target_group_arn_suffix      = module.edge.target_group_arn_suffix
  logs_kms_key_arn             = module.kms.key_arns["logs"]
  metrics_kms_key_arn          = module.kms.key_arns["metrics"]
  alarms_kms_key_arn           = module.kms.key_arns["metrics"]
}
