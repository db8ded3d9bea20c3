# Named secrets and who may read them. Their values come from people (keys, certificates) or from `values`
# (addresses), and are written only: no plan and no state has them.

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(var.names)

  name                    = "${var.prefix}/${each.key}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = toset(var.written)

  secret_id        = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo = var.values[each.key]
  # Written again when it is another value: the number is a digest, which says nothing about it.
  secret_string_wo_version = parseint(substr(sha256(var.values[each.key]), 0, 8), 16)
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = toset(var.names)

  secret_arn          = aws_secretsmanager_secret.this[each.key].arn
  block_public_policy = true
  policy              = data.aws_iam_policy_document.this[each.key].json
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "this" {
  for_each = toset(var.names)

  statement {
    sid       = "OwnAccountOnly"
    effect    = "Deny"
    actions   = ["secretsmanager:*"]
    resources = [aws_secretsmanager_secret.this[each.key].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringNotEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["secretsmanager:*"]
    resources = [aws_secretsmanager_secret.this[each.key].arn]

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
