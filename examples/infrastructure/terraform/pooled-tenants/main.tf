# Deploys examples/pooled-tenants to both accounts.

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
  type = string
}

variable "external_id" {
  type = string
}

variable "package" {
  description = "The zip file of the bundled handler"
  type        = string
  default     = "../../bundle/pooled-tenants.zip"
}

variable "vpc" {
  description = "Whether to create a VPC for the function that reaches only STS and DynamoDB, through VPC endpoints"
  type        = bool
  default     = false
}
