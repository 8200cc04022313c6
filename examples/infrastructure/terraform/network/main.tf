# Account A, optional: a VPC that reaches only STS and DynamoDB. The endpoint policies allow only the roles and the table
# of the example.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "region" {
  type = string
}

variable "execution_role_arn" {
  type = string
}

variable "target_role_arn" {
  type = string
}

variable "table_arn" {
  type = string
}

locals {
  sts_endpoint_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = "*"
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Resource  = var.target_role_arn
        Condition = { ArnEquals = { "aws:PrincipalArn" = var.execution_role_arn } }
      }
    ]
  }

  dynamodb_endpoint_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        # Policies of gateway endpoints cannot name principals. The condition restricts them instead.
        Principal = "*"
        Action    = "dynamodb:*"
        # The role decides whether the function can read the indexes of the table.
        Resource  = [var.table_arn, "${var.table_arn}/index/*"]
        Condition = { ArnEquals = { "aws:PrincipalArn" = var.target_role_arn } }
      }
    ]
  }
}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_vpc" "this" {
  cidr_block           = "10.0.0.0/24"
  enable_dns_hostnames = true
  enable_dns_support   = true
}

resource "aws_subnet" "function" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 1, count.index)
  availability_zone = data.aws_availability_zones.available.names[count.index]
}

resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route_table_association" "function" {
  count          = 2
  route_table_id = aws_route_table.this.id
  subnet_id      = aws_subnet.function[count.index].id
}

resource "aws_security_group" "function" {
  description = "Lambda function"
  vpc_id      = aws_vpc.this.id
}

# Terraform removes the default egress rule of a new security group. CloudFormation keeps it.
resource "aws_vpc_security_group_egress_rule" "function" {
  security_group_id = aws_security_group.function.id
  description       = "HTTPS to all destinations in the route table"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_security_group" "sts" {
  description = "STS endpoint"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "sts" {
  security_group_id            = aws_security_group.sts.id
  description                  = "HTTPS from the function"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.function.id
}

resource "aws_vpc_endpoint" "sts" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Interface"
  service_name      = "com.amazonaws.${var.region}.sts"
  # With private DNS, the Regional STS endpoint name that the SDK uses resolves to this endpoint.
  private_dns_enabled = true
  subnet_ids          = aws_subnet.function[*].id
  security_group_ids  = [aws_security_group.sts.id]
  policy              = jsonencode(local.sts_endpoint_policy)
}

# A gateway endpoint reaches tables in all accounts, but only in its own Region.
resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${var.region}.dynamodb"
  route_table_ids   = [aws_route_table.this.id]
  policy            = jsonencode(local.dynamodb_endpoint_policy)
}

output "subnet_ids" {
  value = aws_subnet.function[*].id
}

output "security_group_ids" {
  value = [aws_security_group.function.id]
}
