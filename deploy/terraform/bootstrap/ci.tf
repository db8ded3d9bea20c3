# The pipeline comes in with a token of its own platform and no stored key. Three roles, each for exact subjects:
# `plan` reads state, `image` pushes images, `deploy` builds the environment; none can widen itself or another.

resource "aws_iam_openid_connect_provider" "ci" {
  url            = var.ci.issuer
  client_id_list = [var.ci.audience]
}

locals {
  issuer = trimprefix(var.ci.issuer, "https://")
  roles = {
    plan   = { minutes = 60, policy = data.aws_iam_policy_document.plan.json }
    image  = { minutes = 60, policy = data.aws_iam_policy_document.image.json }
    deploy = { minutes = 120, policy = data.aws_iam_policy_document.state.json } # MSK alone takes up to 35
  }
  role_arns = [for role in keys(local.roles) : "arn:${local.partition}:iam::${var.account}:role/${var.name}-${role}"]
}

resource "aws_iam_role" "ci" {
  for_each = local.roles

  name                 = "${var.name}-${each.key}"
  description          = "pipeline: ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.ci_trust[each.key].json
  max_session_duration = each.value.minutes * 60
}

data "aws_iam_policy_document" "ci_trust" {
  for_each = toset(["plan", "image", "deploy"])

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.ci.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = [var.ci.audience]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = var.ci.subjects[each.key]
    }
  }
}

resource "aws_iam_role_policy" "ci" {
  for_each = local.roles

  name   = each.key
  role   = aws_iam_role.ci[each.key].name
  policy = each.value.policy
}

# `tofu plan -refresh=false`: state and the lock, nothing of AWS itself. The state holds no secret.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    sid       = "ReadState"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "Lock"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.state.arn}/*.tflock"]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.state.arn]
  }
}

data "aws_iam_policy_document" "image" {
  statement {
    sid       = "SignIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the call knows no resource
  }

  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = ["arn:${local.partition}:ecr:${var.region}:${var.account}:repository/${var.name}/*"]
  }
}

data "aws_iam_policy_document" "state" {
  source_policy_documents = [data.aws_iam_policy_document.plan.json]

  statement {
    sid       = "WriteState"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/*"]
  }
}
