# Account A: the function, and an execution role that can assume the role in account B.

locals {
  basic_policy_arn      = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
  vpc_access_policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"

  execution_trust_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }
    ]
  }

  caller_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "AssumeTargetRole"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = aws_iam_role.target.arn
      }
    ]
  }
}

resource "aws_iam_role" "execution" {
  provider           = aws.function_account
  name               = "LambdaExecutionRole"
  assume_role_policy = jsonencode(local.execution_trust_policy)
}

resource "aws_iam_role_policy" "assume_target_role" {
  provider = aws.function_account
  name     = "AssumeTargetRole"
  role     = aws_iam_role.execution.name
  policy   = jsonencode(local.caller_policy)
}

resource "aws_iam_role_policy_attachment" "execution" {
  provider   = aws.function_account
  role       = aws_iam_role.execution.name
  policy_arn = var.vpc ? local.vpc_access_policy_arn : local.basic_policy_arn
}

resource "aws_lambda_function" "this" {
  provider         = aws.function_account
  function_name    = "put-and-get"
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
    variables = {
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN    = aws_iam_role.target.arn
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = var.external_id
      TABLE_NAME                       = aws_dynamodb_table.this.name
    }
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
  providers          = { aws = aws.function_account }
  region             = var.region
  execution_role_arn = aws_iam_role.execution.arn
  target_role_arn    = aws_iam_role.target.arn
  table_arn          = aws_dynamodb_table.this.arn
}
