locals {
  services = join(" OR ", [for service in values(var.service_names) : "\"${service}\""])

  # Events of functions/log/events.ts, by the name of the metric that counts them.
  events = {
    cell_failed        = { event = "cell_failed", labels = ["processor_name", "category", "backfill_mode"], description = "Runs of cells that failed" }
    cascade_parked     = { event = "cascade_parked", labels = ["phase"], description = "Cascades that are kept until their reasons are gone" }
    detection_ended    = { event = "detection_ended", labels = [], description = "Detections that looked through their dates" }
    alert_raised       = { event = "alert_raised", labels = ["category"], description = "Things that a person was told of" }
    dead_letter_failed = { event = "dead_letter_unpublished", labels = ["function"], description = "Dead letters that could not be published" }
  }
}

resource "google_logging_metric" "event" {
  for_each = local.events

  project     = var.project_id
  name        = "${var.prefix}/${each.key}"
  description = each.value.description
  filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${local.services}) AND jsonPayload.event=\"${each.value.event}\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }
}

locals {
  metric_types = { for key, metric in google_logging_metric.event : key => "logging.googleapis.com/user/${metric.name}" }
}
