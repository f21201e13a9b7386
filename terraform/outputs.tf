output "publish_command" {
  description = "The command that publishes the smallest backfill request by hand; put in your processor and dates."
  value       = "gcloud pubsub topics publish ${module.messaging.requests_topic} --project ${var.project_id} --message '{\"processor_name\": \"${sort(keys(local.processors))[0]}\", \"start_date\": \"YYYY-MM-DD\", \"end_date\": \"YYYY-MM-DD\"}'"
}

output "dead_letters_command" {
  description = "The command that shows what could not be delivered; with --auto-ack it is gone afterwards."
  value       = "gcloud pubsub subscriptions pull ${module.messaging.dead_letter_subscription} --project ${var.project_id} --limit 10"
}

output "function_urls" {
  description = "Address of each function."
  value       = module.functions.endpoints
}

output "function_members" {
  description = "IAM member of each function's service account: for roles on what is not made here."
  value       = module.functions.members
}

output "topic_ids" {
  description = "Full name of every topic, by its name in pipeline.yaml."
  value       = module.messaging.topic_ids
}

output "firestore_database" {
  description = "Name of the Firestore database of this pipeline's state."
  value       = module.state.database
}

output "datasets" {
  description = "Every dataset that the functions write, made or adopted."
  value       = module.warehouse.datasets
}

output "landing" {
  description = "Where phase 1 lands its files; null where the pipeline has no landing folders."
  value       = module.warehouse.landing
}

output "dashboard" {
  description = "Full name of the dashboard."
  value       = module.monitoring.dashboard
}

output "environment" {
  description = "What the command line needs in its environment to work with this deployment (--runtime google)."
  value       = module.functions.environment
}
