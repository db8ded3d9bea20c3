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
  name                  = "nee-test"
  region                = "ap-south-1"
  namespace             = "examhall"
  cluster_name          = "nee-test"
  pod_trust_policy      = "{}"
  events_cluster_arn    = "arn:aws:kafka:ap-south-1:111122223333:cluster/nee-test/0a1b"
  bucket_arns           = ["arn:aws:s3:::blobs", "arn:aws:s3:::archive"]
  blobs_kms_key_arn     = "arn:aws:kms:ap-south-1:111122223333:key/blobs"
  secret_arns           = ["arn:aws:secretsmanager:ap-south-1:111122223333:secret:nee-2027/test/keys"]
  secrets_kms_key_arn   = "arn:aws:kms:ap-south-1:111122223333:key/secrets"
  metrics               = true
  metrics_workspace_arn = "arn:aws:aps:ap-south-1:111122223333:workspace/ws-1"
  service_accounts = {
    answers = { events = "write", documents = "none", archive = "none" }
    results = { events = "read", documents = "read", archive = "read" }
    portal  = { events = "none", documents = "none", archive = "none" }
  }
}

run "a_service_without_rights_has_a_role_and_no_policy" {
  command = plan

  assert {
    condition     = length(aws_iam_role.service) == 3 && keys(aws_iam_role_policy.service) == ["answers", "results"]
    error_message = "portal may nothing"
  }
}

run "rights_are_what_the_spec_says_and_no_more" {
  command = plan

  assert {
    condition     = [for s in data.aws_iam_policy_document.service["answers"].statement : s.sid] == ["EventsConnect", "EventsRead", "EventsGroups", "EventsWrite", "EventsWriteOnce"]
    error_message = "answers writes events and touches no bucket"
  }

  assert {
    condition     = !contains(flatten([for s in data.aws_iam_policy_document.service["results"].statement : tolist(s.actions)]), "s3:PutObject")
    error_message = "read is not write"
  }

  assert {
    condition     = data.aws_iam_policy_document.service["answers"].statement[3].resources == toset(["arn:aws:kafka:ap-south-1:111122223333:topic/nee-test/0a1b/examhall*"])
    error_message = "the hall's topics of this cluster"
  }
}

run "each_service_account_is_the_charts" {
  command = plan

  assert {
    condition     = aws_eks_pod_identity_association.service["answers"].service_account == "examhall-answers"
    error_message = "examhall-NAME"
  }
}

run "a_right_that_is_no_right_is_refused" {
  command = plan

  variables {
    service_accounts = { answers = { events = "all", documents = "none", archive = "none" } }
  }

  expect_failures = [var.service_accounts]
}
