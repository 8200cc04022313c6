# Deploys examples/put-and-get to both accounts.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

# Account A
provider "aws" {
  alias   = "function_account"
  profile = var.function_profile
  region  = var.region
}

# Account B
provider "aws" {
  alias   = "table_account"
  profile = var.table_profile
  region  = var.region
}

variable "function_profile" {
  description = "The profile of account A in your AWS configuration"
  type        = string
}

variable "table_profile" {
  description = "The profile of account B in your AWS configuration"
  type        = string
}

variable "region" {
  description = "The Region of the function and the table"
  type        = string
}

variable "external_id" {
  description = "The external ID, which you choose"
  type        = string
}

variable "package" {
  description = "The zip file of the bundled handler"
  type        = string
  default     = "../../bundle/put-and-get.zip"
}

variable "vpc" {
  description = "Whether to create a VPC for the function that reaches only STS and DynamoDB, through VPC endpoints"
  type        = bool
  default     = false
}

# The session parameters of both accounts. The modules write them to the policies and to the environment of the function.
locals {
  session = {
    external_id         = var.external_id
    tags                = {}
    tenant_tag          = null
    transitive_tag_keys = []
    source_identity     = null
  }
}

# Account A
module "function" {
  source              = "../function"
  providers           = { aws = aws.function_account }
  function_name       = "put-and-get"
  execution_role_name = "LambdaExecutionRole"
  package             = var.package
  environment         = merge(module.caller.environment, { TABLE_NAME = aws_dynamodb_table.this.name })
  vpc                 = var.vpc
  region              = var.region
  target_role_arn     = module.target_role.role_arn
  table_arn           = aws_dynamodb_table.this.arn
}

module "caller" {
  source              = "../../../../terraform/caller"
  providers           = { aws = aws.function_account }
  execution_role_name = module.function.execution_role_name
  role_arn            = module.target_role.role_arn
  session             = local.session
}

# Account B
module "target_role" {
  source              = "../../../../terraform/target-role"
  providers           = { aws = aws.table_account }
  role_name           = "CrossAccountDynamoRole"
  execution_role_arns = [module.function.execution_role_arn]
  session             = local.session
  tables              = [aws_dynamodb_table.this.arn]
  access              = ["GetItem", "PutItem"]
}

resource "aws_dynamodb_table" "this" {
  provider                    = aws.table_account
  name                        = "MyTable"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "id"

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}
