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

# What advances staged backfills is rung by what ends their cells; this tick only takes up one that a dead instance has
# left, and nothing else would (P4). A duplicate finds the backfill's lease taken (P14). It does not stand still with the
# detections: a person has started what it looks after.
resource "google_cloud_scheduler_job" "stages" {
  project     = var.project_id
  region      = var.region
  name        = "${var.prefix}-stage-coordination"
  description = "Takes up staged backfills that nobody advances"
  schedule    = "* * * * *"
  time_zone   = var.time_zone

  pubsub_target {
    topic_name = var.coordination_topic_id
    data       = base64encode(jsonencode({ trigger = "tick" }))
  }

  retry_config {
    retry_count = 0
  }
}
