# This file is the same in terraform/target-role and terraform/caller, so that one value serves both modules.

variable "session" {
  description = <<-EOT
    The session parameters that the function sends when it assumes the role. Use the same value in both modules.
    All attributes are required. If they were optional, Terraform would ignore a misspelled attribute, and the role
    would not require the external ID or would not isolate the tenants.

    - external_id: the external ID, or null.
    - tags: the session tags, or {}. A value is the value that the tag must have. With "*", the tag can have any
      nonempty value, which the `session` function of the middleware returns.
    - tenant_tag: the key of the session tag that identifies the tenant, or null. The role then allows only requests
      whose partition keys equal the value of this tag. The key does not need to be in `tags`.
    - transitive_tag_keys: the keys of the session tags that are transitive, or [].
    - source_identity: the source identity, or null. With "*", the function must send a source identity, which the
      `session` function of the middleware returns.
  EOT
  type = object({
    external_id         = string
    tags                = map(string)
    tenant_tag          = string
    transitive_tag_keys = list(string)
    source_identity     = string
  })
  nullable = false

  # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
  validation {
    condition = var.session.external_id == null ? true : (
      length(var.session.external_id) >= 2 && length(var.session.external_id) <= 1224 &&
      can(regex("^[\\w+=,.@:/-]*$", var.session.external_id))
    )
    error_message = "external_id must have 2 to 1224 characters, which are letters, digits and _+=,.@:/-, or be null."
  }

  validation {
    condition = var.session.source_identity == null ? true : (
      var.session.source_identity == "*" || (
        can(regex("^[\\w+=,.@-]{2,64}$", var.session.source_identity)) &&
        !startswith(lower(var.session.source_identity), "aws:")
      )
    )
    error_message = "source_identity must have 2 to 64 characters, which are letters, digits and _+=,.@-, or be \"*\" or null."
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know
  validation {
    condition     = length(distinct(compact(concat(keys(var.session.tags), [var.session.tenant_tag])))) <= 50
    error_message = "A session can have at most 50 session tags."
  }

  # https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
  validation {
    condition = alltrue([
      for key in concat(keys(var.session.tags), var.session.tenant_tag == null ? [] : [var.session.tenant_tag]) :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:")
    ])
    error_message = "The key of a session tag must have 1 to 128 characters, which are letters, digits, spaces and _.:/=+-@, and must not begin with \"aws:\"."
  }

  validation {
    condition = alltrue([
      for value in values(var.session.tags) : value == null ? false : value == "*" || (
        can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,256}$", value)) && !startswith(lower(value), "aws:")
      )
    ])
    error_message = "The value of a session tag must be \"*\", or have 1 to 256 characters, which are letters, digits, spaces and _.:/=+-@, and must not begin with \"aws:\"."
  }

  validation {
    condition = (
      length(distinct([for key in compact(concat(keys(var.session.tags), [var.session.tenant_tag])) : lower(key)])) ==
      length(distinct(compact(concat(keys(var.session.tags), [var.session.tenant_tag]))))
    )
    error_message = "The keys of session tags must differ in more than case."
  }

  validation {
    condition = alltrue([
      for key in var.session.transitive_tag_keys : contains(concat(keys(var.session.tags), [var.session.tenant_tag]), key)
    ])
    error_message = "Each of the transitive_tag_keys must be a key of tags, or the tenant_tag."
  }
}

locals {
  # The session tags, including the tenant tag. "*" stands for any nonempty value.
  tags = {
    for key in distinct(compact(concat(keys(var.session.tags), [var.session.tenant_tag]))) :
    key => try(var.session.tags[key], "*")
  }
  fixed_tags = { for key, value in local.tags : key => value if value != "*" }
}
