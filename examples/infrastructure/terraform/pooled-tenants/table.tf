# Account B: the table, and the role that the function assumes.

locals {
  trust_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AssumeRole"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.execution.arn }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals                = { "sts:ExternalId" = var.external_id }
          "ForAllValues:StringEquals" = { "aws:TagKeys" = "TenantId" }
          StringLike                  = { "aws:RequestTag/TenantId" = "?*" }
          Null                        = { "sts:TransitiveTagKeys" = "true" }
        }
      },
      # sts:TagSession needs its own statement, because its request context does not contain sts:ExternalId.
      {
        Sid       = "TagSession"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.execution.arn }
        Action    = "sts:TagSession"
        Condition = {
          "ForAllValues:StringEquals" = { "aws:TagKeys" = "TenantId" }
          StringLike                  = { "aws:RequestTag/TenantId" = "?*" }
          Null                        = { "sts:TransitiveTagKeys" = "true" }
        }
      }
    ]
  }

  permissions_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Tables"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.this.arn
        Condition = {
          "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = "$${aws:PrincipalTag/TenantId}" }
          # ForAllValues is also true for requests without leading keys, so require that there are some.
          Null = { "dynamodb:LeadingKeys" = "false" }
        }
      }
    ]
  }
}

resource "aws_dynamodb_table" "this" {
  provider                    = aws.table_account
  name                        = "Orders"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "tenant"
  range_key                   = "order"

  attribute {
    name = "tenant"
    type = "S"
  }

  attribute {
    name = "order"
    type = "S"
  }
}

resource "aws_iam_role" "target" {
  provider           = aws.table_account
  name               = "TenantOrders"
  assume_role_policy = jsonencode(local.trust_policy)
}

resource "aws_iam_role_policy" "table" {
  provider = aws.table_account
  name     = "Table"
  role     = aws_iam_role.target.name
  policy   = jsonencode(local.permissions_policy)
}
