# One role for each service, taken by its pods and by nothing else (pod identity), with the rights the spec gives it:
# none, read or write on events, documents and archive. Nobody may delete an archived object.

locals {
  topics = "${replace(var.events_cluster_arn, ":cluster/", ":topic/")}/${var.topic_prefix}*"
  groups = "${replace(var.events_cluster_arn, ":cluster/", ":group/")}/${var.topic_prefix}*"

  # Services that IAM gives something: the document store knows its users itself, by their role's ARN (outputs.tf).
  granted = { for name, rights in var.service_accounts : name => rights if rights.events != "none" || rights.archive != "none" }
}

resource "aws_iam_role" "service" {
  for_each = var.service_accounts

  name                 = "${var.name}-svc-${each.key}"
  assume_role_policy   = var.pod_trust_policy
  permissions_boundary = var.permissions_boundary
  tags                 = merge(var.tags, { Service = each.key })
}

resource "aws_eks_pod_identity_association" "service" {
  for_each = var.service_accounts

  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = "examhall-${each.key}"
  role_arn        = aws_iam_role.service[each.key].arn
  tags            = merge(var.tags, { Service = each.key })
}

resource "aws_iam_role_policy" "service" {
  for_each = local.granted

  name   = "service"
  role   = aws_iam_role.service[each.key].name
  policy = data.aws_iam_policy_document.service[each.key].json
}

data "aws_iam_policy_document" "service" {
  for_each = local.granted

  dynamic "statement" {
    for_each = each.value.events != "none" ? [1] : []

    content {
      sid       = "EventsConnect"
      actions   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster"]
      resources = [var.events_cluster_arn]
    }
  }

  dynamic "statement" {
    for_each = each.value.events != "none" ? [1] : []

    content {
      sid       = "EventsRead"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      resources = [local.topics]
    }
  }

  dynamic "statement" {
    for_each = each.value.events != "none" ? [1] : []

    content {
      sid       = "EventsGroups"
      actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
      resources = [local.groups]
    }
  }

  dynamic "statement" {
    for_each = each.value.events == "write" ? [1] : []

    content {
      sid       = "EventsWrite"
      actions   = ["kafka-cluster:WriteData"]
      resources = [local.topics]
    }
  }

  dynamic "statement" {
    for_each = each.value.events == "write" ? [1] : []

    content {
      sid       = "EventsWriteOnce"
      actions   = ["kafka-cluster:WriteDataIdempotently"]
      resources = [var.events_cluster_arn]
    }
  }

  dynamic "statement" {
    for_each = each.value.archive != "none" ? [1] : []

    content {
      sid       = "ArchiveList"
      actions   = ["s3:ListBucket"]
      resources = var.bucket_arns
    }
  }

  dynamic "statement" {
    for_each = each.value.archive != "none" ? [1] : []

    content {
      sid       = "ArchiveRead"
      actions   = ["s3:GetObject", "s3:GetObjectVersion"]
      resources = [for arn in var.bucket_arns : "${arn}/*"]
    }
  }

  dynamic "statement" {
    for_each = each.value.archive == "write" ? [1] : []

    content {
      sid       = "ArchiveWrite"
      actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      resources = [for arn in var.bucket_arns : "${arn}/*"]
    }
  }

  dynamic "statement" {
    for_each = each.value.archive != "none" ? [1] : []

    content {
      sid       = "ArchiveKey"
      actions   = each.value.archive == "write" ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
      resources = [var.blobs_kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
    }
  }
}

# --- External Secrets copies our secrets into the cluster: these, and no others ------------------------------------

resource "aws_iam_role" "external_secrets" {
  name                 = "${var.name}-external-secrets"
  assume_role_policy   = var.pod_trust_policy
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_eks_pod_identity_association" "external_secrets" {
  cluster_name    = var.cluster_name
  namespace       = "external-secrets"
  service_account = "external-secrets"
  role_arn        = aws_iam_role.external_secrets.arn
  tags            = var.tags
}

resource "aws_iam_role_policy" "external_secrets" {
  name   = "read-secrets"
  role   = aws_iam_role.external_secrets.name
  policy = data.aws_iam_policy_document.external_secrets.json
}

data "aws_iam_policy_document" "external_secrets" {
  statement {
    sid       = "Read"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = var.secret_arns
  }

  statement {
    sid       = "Decrypt"
    actions   = ["kms:Decrypt"]
    resources = [var.secrets_kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

# --- the Prometheus in the cluster sends what it scraped to the workspace, and reads nothing ------------------------

resource "aws_iam_role" "prometheus" {
  count = var.metrics ? 1 : 0

  name                 = "${var.name}-prometheus"
  assume_role_policy   = var.pod_trust_policy
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_eks_pod_identity_association" "prometheus" {
  count = var.metrics ? 1 : 0

  cluster_name    = var.cluster_name
  namespace       = "monitoring"
  service_account = "prometheus"
  role_arn        = aws_iam_role.prometheus[0].arn
  tags            = var.tags
}

resource "aws_iam_role_policy" "prometheus" {
  count = var.metrics ? 1 : 0

  name   = "remote-write"
  role   = aws_iam_role.prometheus[0].name
  policy = data.aws_iam_policy_document.prometheus[0].json
}

data "aws_iam_policy_document" "prometheus" {
  count = var.metrics ? 1 : 0

  statement {
    actions   = ["aps:RemoteWrite"]
    resources = [var.metrics_workspace_arn]
  }
}
