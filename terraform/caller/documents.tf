# The caller policy, and the variables that make the middleware send the session parameters that the trust policy requires.

locals {
  caller_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AssumeTargetRole"
        Effect = "Allow"
        Action = concat(
          ["sts:AssumeRole"],
          length(local.tags) > 0 ? ["sts:TagSession"] : [],
          var.session.source_identity != null ? ["sts:SetSourceIdentity"] : [],
        )
        Resource = var.role_arn
      }
    ]
  }

  environment = {
    for suffix, value in {
      ROLE_ARN            = var.role_arn
      EXTERNAL_ID         = var.session.external_id
      SESSION_TAGS        = length(local.fixed_tags) > 0 ? jsonencode(local.fixed_tags) : null
      TRANSITIVE_TAG_KEYS = length(var.session.transitive_tag_keys) > 0 ? join(",", var.session.transitive_tag_keys) : null
      SOURCE_IDENTITY     = var.session.source_identity == "*" ? null : var.session.source_identity
      REGION              = var.region
    } : "${var.env_prefix}_${suffix}" => value if value != null
  }
}
