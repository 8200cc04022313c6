# Account A: the function of an example, its execution role and, optionally, a VPC.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "function_name" {
  description = "The name of the function"
  type        = string
}

variable "execution_role_name" {
  description = "The name of the execution role"
  type        = string
}

variable "package" {
  description = "The zip file of the bundled handler"
  type        = string
}

variable "environment" {
  description = "The environment variables of the function"
  type        = map(string)
}

variable "vpc" {
  description = "Whether to create a VPC for the function that reaches only STS and DynamoDB, through VPC endpoints"
  type        = bool
}

variable "region" {
  description = "The Region of the VPC endpoints"
  type        = string
}

variable "target_role_arn" {
  description = "The role in account B that the VPC endpoints allow"
  type        = string
}

variable "table_arn" {
  description = "The table in account B that the VPC endpoints allow"
  type        = string
}

locals {
  basic_policy_arn      = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
  vpc_access_policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"

  trust_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }
    ]
  }
}

resource "aws_iam_role" "execution" {
  name               = var.execution_role_name
  assume_role_policy = jsonencode(local.trust_policy)
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = var.vpc ? local.vpc_access_policy_arn : local.basic_policy_arn
}

resource "aws_lambda_function" "this" {
  function_name    = var.function_name
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "index.handler"
  role             = aws_iam_role.execution.arn
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  timeout          = 10
  memory_size      = 512

  logging_config {
    log_format = "JSON"
  }

  environment {
    variables = var.environment
  }

  dynamic "vpc_config" {
    for_each = module.network
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # Lambda creates network interfaces for a function in a VPC, which requires the permissions of the attached policy.
  depends_on = [aws_iam_role_policy_attachment.execution]
}

module "network" {
  source             = "../network"
  count              = var.vpc ? 1 : 0
  region             = var.region
  execution_role_arn = aws_iam_role.execution.arn
  target_role_arn    = var.target_role_arn
  table_arn          = var.table_arn
}

output "execution_role_name" {
  value = aws_iam_role.execution.name
}

output "execution_role_arn" {
  value = aws_iam_role.execution.arn
}
