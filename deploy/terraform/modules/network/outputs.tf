output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Load balancers and NAT gateways; one subnet a zone, in the order of `zones`."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Nodes and pods."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "database_subnet_ids" {
  description = "Brokers and databases: no route out."
  value       = [for zone in var.zones : aws_subnet.database[zone].id]
}

output "intra_subnet_ids" {
  description = "The control plane's interfaces: no route out."
  value       = [for zone in var.zones : aws_subnet.intra[zone].id]
}

output "nat_public_ips" {
  description = "Addresses that the platform's own requests come from."
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}
