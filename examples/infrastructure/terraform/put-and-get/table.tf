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
          StringEquals = { "sts:ExternalId" = var.external_id }
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
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = aws_dynamodb_table.this.arn
      }
    ]
  }
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
}

resource "aws_iam_role" "target" {
  provider           = aws.table_account
  name               = "CrossAccountDynamoRole"
  assume_role_policy = jsonencode(local.trust_policy)
}

resource "aws_iam_role_policy" "table" {
  provider = aws.table_account
  name     = "Table"
  role     = aws_iam_role.target.name
  policy   = jsonencode(local.permissions_policy)
}
