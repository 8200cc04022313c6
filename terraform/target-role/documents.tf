# The IAM documents. They are equivalent to those that crossAccountPolicies() of the package returns for the same options.

locals {
  read_actions = ["BatchGetItem", "ConditionCheckItem", "GetItem", "PartiQLSelect", "Query", "Scan"]
  write_actions = [
    "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PartiQLDelete", "PartiQLInsert", "PartiQLUpdate",
    "PutItem", "UpdateItem",
  ]
  presets = {
    read         = local.read_actions
    write        = local.write_actions
    "read-write" = distinct(concat(local.read_actions, local.write_actions))
  }

  has_tenant_tag = var.session.tenant_tag != null
  # A policy that restricts partition keys cannot restrict these actions, because they can run without a partition key.
  actions = [
    for action in distinct(flatten([for name in var.access : try(local.presets[name], [trimprefix(name, "dynamodb:")])])) :
    action if !local.has_tenant_tag || !can(regex("^(PartiQL|Scan|SearchVectors|DescribeTable)", action))
  ]
  index_actions = [
    for action in local.actions : action if contains(["PartiQLSelect", "Query", "Scan", "SearchVectors"], action)
  ]
  can_read_indexes = var.include_indexes == null ? !local.has_tenant_tag : var.include_indexes

  table_arn_prefix = "arn:${local.partition}:dynamodb:${local.region}:${local.account_id}:table/"
  table_arns       = distinct([for table in var.tables : startswith(table, "arn:") ? table : "${local.table_arn_prefix}${table}"])
  table_names      = distinct([for table in var.tables : element(split("/", table), length(split("/", table)) - 1)])

  # A condition of a statement: the operator, the condition key and its values.
  external_id_conditions = [
    for id in [var.session.external_id] : { operator = "StringEquals", key = "sts:ExternalId", values = [id] } if id != null
  ]
  tag_conditions = [
    for condition in concat(
      [
        { operator = "ForAllValues:StringEquals", key = "aws:TagKeys", values = keys(local.tags) },
        {
          operator = length(var.session.transitive_tag_keys) > 0 ? "ForAllValues:StringEquals" : "Null"
          key      = "sts:TransitiveTagKeys"
          values   = length(var.session.transitive_tag_keys) > 0 ? distinct(var.session.transitive_tag_keys) : ["true"]
        },
      ],
      [
        for key, value in local.tags : {
          operator = value == "*" ? "StringLike" : "StringEquals"
          key      = "aws:RequestTag/${key}"
          values   = [value == "*" ? "?*" : value]
        }
      ],
    ) : condition if length(local.tags) > 0
  ]
  source_identity_conditions = [
    for identity in [var.session.source_identity] : {
      operator = identity == "*" ? "StringLike" : "StringEquals"
      key      = "sts:SourceIdentity"
      values   = [identity == "*" ? "?*" : identity]
    } if identity != null
  ]

  # sts:TagSession needs its own statement, because its request context does not contain sts:ExternalId. STS evaluates it
  # only if a call contains tags, so the statement for sts:AssumeRole repeats the conditions on tags.
  trust_statements = [
    {
      name       = "AssumeRole"
      is_needed  = true
      conditions = concat(local.external_id_conditions, local.tag_conditions, local.source_identity_conditions)
    },
    { name = "TagSession", is_needed = length(local.tags) > 0, conditions = local.tag_conditions },
    { name = "SetSourceIdentity", is_needed = var.session.source_identity != null, conditions = local.source_identity_conditions },
  ]
  trust_policy = {
    Version = "2012-10-17"
    Statement = [
      for statement in local.trust_statements : {
        for element, value in {
          Sid       = statement.name
          Effect    = "Allow"
          Principal = { AWS = distinct(var.execution_role_arns) }
          Action    = "sts:${statement.name}"
          Condition = {
            for operator in distinct(statement.conditions[*].operator) : operator => {
              for condition in statement.conditions : condition.key => condition.values if condition.operator == operator
            }
          }
        } : element => value if element != "Condition" || length(statement.conditions) > 0
      } if statement.is_needed
    ]
  }

  leading_keys_condition = {
    "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = local.has_tenant_tag ? "$${aws:PrincipalTag/${var.session.tenant_tag}}" : "" }
    # ForAllValues is also true for requests without leading keys, so require that there are some.
    Null = { "dynamodb:LeadingKeys" = "false" }
  }
  permissions_statements = [
    { name = "Tables", is_needed = true, actions = local.actions, resources = local.table_arns },
    {
      name      = "Indexes"
      is_needed = local.can_read_indexes && length(local.index_actions) > 0
      actions   = local.index_actions
      resources = [for arn in local.table_arns : "${arn}/index/*"]
    },
  ]
  permissions_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        for statement in local.permissions_statements : {
          for element, value in {
            Sid       = statement.name
            Effect    = "Allow"
            Action    = [for action in statement.actions : "dynamodb:${action}"]
            Resource  = statement.resources
            Condition = local.leading_keys_condition
          } : element => value if element != "Condition" || local.has_tenant_tag
        } if statement.is_needed
      ],
      [
        # DynamoDB decrypts the key of a table on behalf of the role. All other requests to the key are denied.
        for key in [var.kms_key_arn] : {
          Sid      = "KeyThroughDynamoDB"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = key
          Condition = {
            StringEquals = {
              "kms:ViaService"                               = "dynamodb.${local.region}.amazonaws.com"
              "kms:EncryptionContext:aws:dynamodb:tableName" = local.table_names
            }
          }
        } if key != null
      ],
    )
  }
}
