output "job" {
  description = "Name of the Cloud Scheduler job that starts detections."
  value       = google_cloud_scheduler_job.tick.name
}

output "stages_job" {
  description = "Name of the Cloud Scheduler job that takes up staged backfills."
  value       = google_cloud_scheduler_job.stages.name
}
