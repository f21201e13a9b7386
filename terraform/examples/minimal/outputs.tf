output "publish_command" {
  description = "The command that publishes the smallest backfill request by hand."
  value       = module.smart_backfill.publish_command
}
