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

  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:ap-south-1:111122223333:cluster/nee-test"
      certificate_authority = [{ data = "Y2E=" }]
    }
  }
}

variables {
  name                     = "nee-test"
  cluster_version          = "1.34"
  control_plane_subnet_ids = ["subnet-a", "subnet-b", "subnet-c"]
  node_subnet_ids          = ["subnet-d", "subnet-e", "subnet-f"]
  kms_key_arn              = "arn:aws:kms:ap-south-1:111122223333:key/cluster"
  logs_kms_key_arn         = "arn:aws:kms:ap-south-1:111122223333:key/logs"
  system_nodes             = { instance_types = ["m7i.large"], min = 2, max = 3, disk_gib = 30 }
  node_pools = {
    exam  = { instance_types = ["c7g.2xlarge", "m7g.2xlarge"], capacity = "on-demand", min = 3, max = 60, disk_gib = 50 }
    batch = { instance_types = ["m7i.2xlarge"], capacity = "spot", min = 0, max = 20, disk_gib = 50 }
  }
}

run "the_node_image_fits_the_pools_processors" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["exam"].ami_type == "BOTTLEROCKET_ARM_64" && aws_eks_node_group.this["batch"].ami_type == "BOTTLEROCKET_x86_64"
    error_message = "Graviton families are arm64"
  }
}

run "pools_are_tainted_and_the_system_is_not" {
  command = plan

  assert {
    condition     = length(aws_eks_node_group.this["exam"].taint) == 1 && length(aws_eks_node_group.this["system"].taint) == 0
    error_message = "only pools are tainted"
  }

  assert {
    condition     = aws_eks_node_group.this["batch"].capacity_type == "SPOT" && aws_eks_node_group.this["exam"].capacity_type == "ON_DEMAND"
    error_message = "candidates never sit on spot instances"
  }
}

run "there_is_no_public_endpoint_unless_networks_are_named" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "private only"
  }
}

run "named_networks_reach_it" {
  command = plan

  variables {
    public_access_cidrs = ["203.0.113.0/24"]
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"])
    error_message = "only they do"
  }
}

run "the_pipeline_is_held_to_its_namespace" {
  command = plan

  variables {
    deployer_role_arns = ["arn:aws:iam::111122223333:role/nee-deploy"]
  }

  assert {
    condition     = alltrue([for a in aws_eks_access_policy_association.deployer : a.access_scope[0].type == "namespace"])
    error_message = "not cluster-wide"
  }
}

run "mixed_processors_in_a_pool_are_refused" {
  command = plan

  variables {
    node_pools = {
      exam = { instance_types = ["m7g.large", "m7i.large"], capacity = "on-demand", min = 1, max = 2, disk_gib = 50 }
    }
  }

  expect_failures = [var.node_pools]
}

run "a_single_system_node_is_refused" {
  command = plan

  variables {
    system_nodes = { instance_types = ["m7i.large"], min = 1, max = 3, disk_gib = 30 }
  }

  expect_failures = [var.system_nodes]
}

run "a_capacity_that_ec2_does_not_sell_is_refused" {
  command = plan

  variables {
    node_pools = {
      exam = { instance_types = ["m7i.large"], capacity = "cheap", min = 1, max = 2, disk_gib = 50 }
    }
  }

  expect_failures = [var.node_pools]
}

run "the_whole_internet_is_refused" {
  command = plan

  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.public_access_cidrs]
}

run "the_pipeline_is_in_the_group_that_may_make_operators_kinds" {
  command = plan

  variables {
    deployer_role_arns  = ["arn:aws:iam::111122223333:role/nee-deploy"]
    deployer_namespaces = ["examhall"]
  }

  assert {
    condition     = aws_eks_access_entry.deployer["arn:aws:iam::111122223333:role/nee-deploy"].kubernetes_groups == toset(["examhall-deployers"])
    error_message = "deploy/helm/namespace.yaml binds its role to this group"
  }
}
