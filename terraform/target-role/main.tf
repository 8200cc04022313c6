# Account B: the role that the function in account A assumes, with its trust policy and its permissions policy.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = var.region == null ? data.aws_region.current.region : var.region
}

resource "aws_iam_role" "this" {
  name               = var.role_name
  path               = var.role_path
  assume_role_policy = jsonencode(local.trust_policy)
}

resource "aws_iam_role_policy" "tables" {
  name   = "Tables"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.permissions_policy)

  lifecycle {
    precondition {
      condition     = length(local.actions) > 0
      error_message = "With a tenant_tag, access must contain an action whose requests always contain a partition key, such as GetItem."
    }

    precondition {
      condition     = alltrue([for arn in local.table_arns : startswith(arn, local.table_arn_prefix)])
      error_message = "The ARNs of tables must begin with ${local.table_arn_prefix}, the account of the role and the Region of the tables."
    }

    precondition {
      condition     = var.kms_key_arn == null ? true : startswith(var.kms_key_arn, "arn:${local.partition}:kms:${local.region}:")
      error_message = "The KMS key must be in ${local.region}, the Region of the tables."
    }

    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    precondition {
      condition     = length(jsonencode(local.permissions_policy)) <= 10240
      error_message = "The permissions policy is longer than 10,240 characters, IAM's limit for the inline policies of a role."
    }
  }
}
