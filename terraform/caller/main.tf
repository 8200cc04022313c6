# Account A: allows the function's execution role to assume the role in account B.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

resource "aws_iam_role_policy" "caller" {
  name   = var.policy_name
  role   = var.execution_role_name
  policy = jsonencode(local.caller_policy)
}
