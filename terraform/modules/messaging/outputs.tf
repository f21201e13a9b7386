output "topic_ids" {
  description = "Full name of every topic (projects/…/topics/…), by its name in pipeline.yaml."
  value       = local.topic_ids
}

output "requests_topic" {
  description = "Name of the topic that takes backfill requests."
  value       = local.requests_topic
}

output "detection_topic" {
  description = "Name of the topic whose messages start a detection."
  value       = local.detection_topic
}

output "coordination_topic" {
  description = "Name of the topic whose messages have staged backfills advanced."
  value       = local.coordination_topic
}

output "coordination_subscription" {
  description = "Name of the subscription that pushes those messages."
  value       = google_pubsub_subscription.pushed[var.pipeline.subscriptions.stage_coordinator].name
}

output "pushed_subscriptions" {
  description = "Names of the subscriptions that push to functions."
  value       = sort([for subscription in google_pubsub_subscription.pushed : subscription.name])
}

output "dead_letter_subscription" {
  description = "Name of the subscription that keeps what could not be delivered."
  value       = google_pubsub_subscription.kept["${local.dead_letters_topic}-sub"].name
}

output "alerts_subscription" {
  description = "Name of the subscription that keeps the alerts that the functions publish."
  value       = google_pubsub_subscription.kept["${local.alerts_topic}-sub"].name
}
