# Cloud Scheduler ticks at least once, duplicates included (P14): detections are single-flight in state, so a second tick
# during one only makes it go round again. Retries are left out: the next tick is five minutes away.
resource "google_cloud_scheduler_job" "tick" {
  project     = var.project_id
  region      = var.region
  name        = "${var.prefix}-gap-detection"
  description = "Starts a detection over the current season"
  schedule    = var.schedule
  time_zone   = var.time_zone
  paused      = var.paused

  pubsub_target {
    topic_name = var.topic_id
    data       = base64encode(jsonencode({ trigger = "tick" }))
  }

  retry_config {
    retry_count = 0
  }
}
