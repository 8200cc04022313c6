variable "role_name" {
  description = "The name of the role."
  type        = string
  nullable    = false

  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,64}$", var.role_name))
    error_message = "role_name must have 1 to 64 characters, which are letters, digits and _+=,.@-."
  }
}

variable "role_path" {
  description = "The path of the role."
  type        = string
  default     = "/"
  nullable    = false

  # The ARN of the role is the resource of the caller policy, in which *, ? and $ have a special meaning.
  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.role_path)) && length(var.role_path) <= 512 && !can(regex("[*?$]", var.role_path))
    error_message = "role_path must begin and end with /, have at most 512 characters, and must not contain *, ? or $."
  }
}

variable "execution_role_arns" {
  description = "The ARNs of the execution roles that can assume the role. IAM accepts only existing roles."
  type        = list(string)
  nullable    = false

  validation {
    condition = length(var.execution_role_arns) > 0 && alltrue([
      for arn in var.execution_role_arns : can(regex("^arn:aws(-[a-z]+)*:iam::\\d{12}:role/([!-~]+/)?[\\w+=,.@-]{1,64}$", arn))
    ])
    error_message = "execution_role_arns must contain at least one ARN, and only ARNs of IAM roles without wildcards in their names."
  }
}

variable "tables" {
  description = "The names or ARNs of the tables, which must be in the account of the role. The tables do not need to exist yet."
  type        = list(string)
  nullable    = false

  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
  validation {
    condition = length(var.tables) > 0 && alltrue([
      for table in var.tables : can(regex("^(arn:[\\w-]+:dynamodb:[\\w-]+:\\d{12}:table/)?[\\w.-]{3,255}$", table))
    ])
    error_message = "tables must contain at least one table, and only ARNs of tables, or names of 3 to 255 characters, which are letters, digits and _.-."
  }
}

variable "access" {
  description = "The allowed actions: [\"read\"], [\"write\"], [\"read-write\"], or a list of actions such as \"GetItem\"."
  type        = list(string)
  nullable    = false

  validation {
    condition = contains(["read", "write", "read-write"], join(",", var.access)) || (length(var.access) > 0 && alltrue([
      for action in var.access : contains([
        "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "DescribeTable", "GetItem", "PartiQLDelete",
        "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate", "PutItem", "Query", "Scan", "SearchVectors", "UpdateItem",
      ], trimprefix(action, "dynamodb:"))
    ]))
    error_message = "access must contain one of read, write and read-write, or only actions on items, such as GetItem. Transactions require the actions of their operations."
  }
}

variable "include_indexes" {
  description = "Whether the role can read the indexes of the tables. The default is true, or false with a tenant tag, because IAM compares the value of the tag with the partition key of the index."
  type        = bool
  default     = null
}

variable "kms_key_arn" {
  description = "The ARN of the customer managed KMS key that encrypts the tables."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[\\w-]+:kms:[\\w-]+:\\d{12}:key/[\\w-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not of an alias."
  }
}

variable "region" {
  description = "The Region of the tables. The default is the Region of the provider."
  type        = string
  default     = null

  validation {
    condition     = var.region == null ? true : can(regex("^[a-z]{2,}(-[a-z]+)+-\\d+$", var.region))
    error_message = "region must be the name of a Region, such as us-east-1."
  }
}
