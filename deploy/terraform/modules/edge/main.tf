# The one door: TCP 443 from the Internet to the gateways' pods. TLS ends in the gateway, so the balancer sees no
# answers; it keeps clients' addresses. Pods are registered by the AWS load balancer controller, which may touch this
# target group and nothing else, through a TargetGroupBinding of the chart.

resource "aws_lb" "this" {
  name                             = var.name
  load_balancer_type               = "network"
  internal                         = false
  subnets                          = var.public_subnet_ids
  security_groups                  = [aws_security_group.this.id]
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
  enable_zonal_shift               = true
  tags                             = var.tags
}

resource "aws_lb_target_group" "this" {
  name                   = var.name
  vpc_id                 = var.vpc_id
  target_type            = "ip"
  protocol               = "TCP"
  port                   = var.gateway_port
  preserve_client_ip     = true
  deregistration_delay   = var.deregistration_delay
  connection_termination = false # a candidate's connection is drained by the gateway, not cut
  tags                   = var.tags

  health_check {
    protocol            = "HTTPS"
    path                = "/-/ready"
    matcher             = "200"
    interval            = 5
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "this" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "TCP"
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_security_group" "this" {
  name        = "${var.name}-edge"
  description = "Candidates and officers, from anywhere, by TLS"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-edge" })
}

resource "aws_vpc_security_group_ingress_rule" "tls" {
  security_group_id = aws_security_group.this.id
  description       = "TLS from the Internet"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "gateways" {
  security_group_id            = aws_security_group.this.id
  description                  = "gateways"
  ip_protocol                  = "tcp"
  from_port                    = var.gateway_port
  to_port                      = var.gateway_port
  referenced_security_group_id = var.cluster_security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "gateways" {
  security_group_id            = var.cluster_security_group_id
  description                  = "gateways, from the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = var.gateway_port
  to_port                      = var.gateway_port
  referenced_security_group_id = aws_security_group.this.id
}

# --- who registers the gateways' pods -----------------------------------------------------------------------------

resource "aws_iam_role" "controller" {
  name                 = "${var.name}-load-balancer-controller"
  assume_role_policy   = var.pod_trust_policy
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_eks_pod_identity_association" "controller" {
  cluster_name    = var.cluster_name
  namespace       = "kube-system"
  service_account = "aws-load-balancer-controller"
  role_arn        = aws_iam_role.controller.arn
  tags            = var.tags
}

resource "aws_iam_role_policy" "controller" {
  name   = "register-gateways"
  role   = aws_iam_role.controller.name
  policy = data.aws_iam_policy_document.controller.json
}

data "aws_iam_policy_document" "controller" {
  statement {
    sid = "Look" # these calls know no resource but "*"
    actions = [
      "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
      "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags",
      "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "Register"
    actions   = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
    resources = [aws_lb_target_group.this.arn]
  }
}
