output "role_arn" {
  description = "The ARN of the role. Pass it to the module caller."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "The name of the role, for example to attach more policies."
  value       = aws_iam_role.this.name
}

output "table_arns" {
  description = "The ARNs of the tables."
  value       = local.table_arns
}
