# What `deploy` may build: this hall's things by name where AWS lets a right be given by name, and by region where it
# does not; roles only inside the boundary; and never itself, the boundary or the state's history.

locals {
  arn = "arn:${local.partition}"
  own = { for service in ["ecr", "eks", "kafka", "logs", "rds", "secretsmanager", "sns", "cloudwatch"] :
    service => "${local.arn}:${service}:${var.region}:${var.account}"
  }
}

resource "aws_iam_policy" "deploy_services" {
  name        = "${var.name}-deploy-services"
  description = "what the pipeline builds"
  policy      = data.aws_iam_policy_document.deploy_services.json
}

resource "aws_iam_policy" "deploy_roles" {
  name        = "${var.name}-deploy-roles"
  description = "roles the pipeline makes, inside the boundary"
  policy      = data.aws_iam_policy_document.deploy_roles.json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = { services = aws_iam_policy.deploy_services.arn, roles = aws_iam_policy.deploy_roles.arn }

  role       = aws_iam_role.ci["deploy"].name
  policy_arn = each.value
}

data "aws_iam_policy_document" "deploy_services" {
  statement {
    sid = "ByName"
    actions = [
      "cloudwatch:*", "ecr:*", "eks:*", "kafka:*", "logs:*", "rds:*", "s3:*", "secretsmanager:*", "sns:*",
    ]
    resources = [
      "${local.own.ecr}:repository/${var.name}/*",
      "${local.own.eks}:*/${var.name}-*", "${local.own.eks}:*/${var.name}-*/*",
      "${local.own.kafka}:*/${var.name}-*/*",
      "${local.own.logs}:log-group:*${var.name}-*", "${local.own.logs}:log-group:*${var.name}-*:*",
      "${local.own.rds}:*:${var.name}-*",
      "${local.own.rds}:og:default*", "${local.own.rds}:pg:default*", # AWS's own groups, which every instance names
      "${local.arn}:s3:::${var.name}-*-${var.account}", "${local.arn}:s3:::${var.name}-*-${var.account}/*",
      "${local.own.secretsmanager}:secret:${var.name}/*", "${local.own.secretsmanager}:secret:AmazonMSK_${var.name}-*",
      "${local.own.sns}:${var.name}-*",
      "${local.own.cloudwatch}:alarm:${var.name}-*",
    ]
  }

  # RDS makes the master's secret in the name of whoever makes the cluster, and tags it; nobody here reads it.
  statement {
    sid       = "MastersSecret"
    actions   = ["secretsmanager:TagResource"]
    resources = ["${local.own.secretsmanager}:secret:rds!cluster-*"]
  }

  # These services' calls know no names before the thing exists; the region is what can be said.
  statement {
    sid = "ByRegion"
    actions = [
      "application-autoscaling:*", "aps:*", "ec2:*", "elasticloadbalancing:*",
      "kafka:CreateConfiguration", "kafka:CreateCluster*", "kafka:*Configuration*", "kafka:ListScramSecrets",
      "kms:CreateKey", "kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:ListAliases", "kms:TagResource",
      "kms:UntagResource", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:GetKeyRotationStatus",
      "kms:EnableKeyRotation", "kms:ListResourceTags", "kms:ScheduleKeyDeletion", "kms:CreateGrant", "kms:RetireGrant",
      "kms:UpdateKeyDescription", "kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "logs:DescribeLogGroups", "logs:*LogDelivery*", "logs:*ResourcePolic*",
      "rds:DescribeDB*", "rds:DescribeGlobalClusters", "secretsmanager:GetRandomPassword", "secretsmanager:CreateSecret",
      "eks:DescribeAddonVersions", "eks:ListClusters", "cloudwatch:DescribeAlarms", "ecr:GetAuthorizationToken",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid    = "NeverTheStateNorTheLock"
    effect = "Deny"
    actions = [
      "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketPolicy", "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration",
    ]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "NeverTheStateKey"
    effect    = "Deny"
    actions   = ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:DeleteAlias", "kms:UpdateAlias"]
    resources = [aws_kms_key.state.arn]
  }

  # Archived answers are unlocked by a person, or not at all.
  statement {
    sid       = "NeverAnArchivedAnswer"
    effect    = "Deny"
    actions   = ["s3:BypassGovernanceRetention"]
    resources = ["${local.arn}:s3:::${var.name}-*-archive-${var.account}/*"]
  }
}

data "aws_iam_policy_document" "deploy_roles" {
  statement {
    sid = "LookAndTidy"
    actions = [
      "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
      "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["${local.arn}:iam::${var.account}:role/${var.name}-*"]
  }

  statement {
    sid = "MakeInsideTheBoundary"
    actions = [
      "iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
    ]
    resources = ["${local.arn}:iam::${var.account}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.boundary.arn]
    }
  }

  statement {
    sid       = "HandToServices"
    actions   = ["iam:PassRole"]
    resources = ["${local.arn}:iam::${var.account}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values = [
        "ec2.amazonaws.com", "eks.amazonaws.com", "pods.eks.amazonaws.com", "vpc-flow-logs.amazonaws.com",
      ]
    }
  }

  statement {
    sid       = "ServiceLinkedRoles"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["${local.arn}:iam::${var.account}:role/aws-service-role/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values = [
        "autoscaling.amazonaws.com", "eks.amazonaws.com", "eks-nodegroup.amazonaws.com",
        "elasticloadbalancing.amazonaws.com", "kafka.amazonaws.com", "kafka.application-autoscaling.amazonaws.com",
        "rds.amazonaws.com", "spot.amazonaws.com",
      ]
    }
  }

  statement {
    sid    = "NeverItself"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy", "iam:PassRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = local.role_arns
  }

  statement {
    sid       = "NeverOutOfTheBoundary"
    effect    = "Deny"
    actions   = ["iam:DeleteRolePermissionsBoundary"]
    resources = ["*"]
  }
}

# The upper bound of every role that `deploy` makes: what nodes, pods and services need at run time, in this region,
# and on this hall's own data. No role inside it can change rights.
resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-boundary"
  description = "upper bound of roles that the pipeline makes"
  policy      = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  statement {
    sid = "RunTime"
    actions = [
      "aps:RemoteWrite", "autoscaling:*", "ec2:*", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage",
      "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer", "eks-auth:AssumeRoleForPodIdentity", "eks:Describe*",
      "elasticloadbalancing:*", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*",
      "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid     = "OwnData"
    actions = ["kafka-cluster:*", "s3:AbortMultipartUpload", "s3:GetObject*", "s3:ListBucket", "s3:PutObject", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [
      "${local.own.kafka}:*/${var.name}-*/*",
      "${local.arn}:s3:::${var.name}-*-${var.account}", "${local.arn}:s3:::${var.name}-*-${var.account}/*",
      "${local.own.secretsmanager}:secret:${var.name}/*", "${local.own.secretsmanager}:secret:AmazonMSK_${var.name}-*",
      "${local.own.secretsmanager}:secret:rds!cluster-*",
    ]
  }

  statement {
    sid       = "NeverTheState"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }
}
