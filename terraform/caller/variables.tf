variable "execution_role_name" {
  description = "The name of the function's execution role, to which the module attaches the caller policy."
  type        = string
  nullable    = false

  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,64}$", var.execution_role_name))
    error_message = "execution_role_name must have 1 to 64 characters, which are letters, digits and _+=,.@-. It is a name, not an ARN."
  }
}

variable "role_arn" {
  description = "The ARN of the role in account B: the output role_arn of the module target-role."
  type        = string
  nullable    = false

  # The ARN is the resource of the caller policy, in which *, ? and $ have a special meaning.
  validation {
    condition = (
      can(regex("^arn:aws(-[a-z]+)*:iam::\\d{12}:role/([!-~]+/)?[\\w+=,.@-]{1,64}$", var.role_arn)) &&
      !can(regex("[*?$]", var.role_arn))
    )
    error_message = "role_arn must be the ARN of an IAM role, and must not contain *, ? or $."
  }
}

variable "region" {
  description = "The Region of the tables, if it is not the Region of the function."
  type        = string
  default     = null

  validation {
    condition     = var.region == null ? true : can(regex("^[a-z]{2,}(-[a-z]+)+-\\d+$", var.region))
    error_message = "region must be the name of a Region, such as us-east-1."
  }
}

variable "policy_name" {
  description = "The name of the caller policy. If an execution role assumes several roles, use a different name for each."
  type        = string
  default     = "AssumeTargetRole"
  nullable    = false

  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,128}$", var.policy_name))
    error_message = "policy_name must have 1 to 128 characters, which are letters, digits and _+=,.@-."
  }
}

variable "env_prefix" {
  description = "The prefix of the environment variables: the option envPrefix of the middleware."
  type        = string
  default     = "CROSS_ACCOUNT_DYNAMO"
  nullable    = false

  # https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
  validation {
    condition     = can(regex("^[A-Za-z]\\w*[A-Za-z0-9]$", var.env_prefix))
    error_message = "env_prefix must begin with a letter, end with a letter or a digit, and contain only letters, digits and _."
  }
}
