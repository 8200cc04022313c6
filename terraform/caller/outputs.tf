output "environment" {
  description = "The environment variables of the middleware. Merge them into the variables of the function."
  value       = local.environment
}
