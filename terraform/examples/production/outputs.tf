output "publish_command" {
  description = "The command that publishes the smallest backfill request by hand."
  value       = module.smart_backfill.publish_command
}

output "environment" {
  description = "What the command line needs in its environment to work with this deployment (--runtime google)."
  value       = module.smart_backfill.environment
}
