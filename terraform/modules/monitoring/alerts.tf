resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  project      = var.project_id
  type         = "email"
  display_name = "${var.prefix}: ${each.key}"
  labels       = { email_address = each.key }
}

locals {
  channels = concat(var.notification_channels, [for channel in google_monitoring_notification_channel.email : channel.id])
}

# A policy on a log-based metric is refused until Monitoring knows the metric, some minutes after it was made. Metrics are made
# first and these policies after the functions, whose build takes as long: hashicorp/terraform-provider-google#11102.

# Retried for as long as messages are kept, then silently lost (P4): told long before.
resource "google_monitoring_alert_policy" "oldest_unacked" {
  project               = var.project_id
  display_name          = "${var.prefix}: messages wait too long"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "Oldest undelivered message is older than ${var.thresholds.unacked_minutes} minutes"

    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id = one_of(${join(", ", [for name in var.pushed_subscriptions : "\"${name}\""])})"
      comparison      = "COMPARISON_GT"
      threshold_value = var.thresholds.unacked_minutes * 60
      duration        = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_MAX"
        group_by_fields      = ["resource.label.subscription_id"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A function does not answer, or answers with errors. Read its log for `message_nacked`, `runtime_unavailable` and `function_fault`; the subscription is in the alert. Messages are kept meanwhile."
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  project               = var.project_id
  display_name          = "${var.prefix}: dead letters"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "Messages that could not be delivered, or can never be right"

    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.labels.subscription_id = \"${var.dead_letter_subscription}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  conditions {
    display_name = "A dead letter could not even be published"

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"${local.metric_types["dead_letter_failed"]}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Look at them: `gcloud pubsub subscriptions pull ${var.dead_letter_subscription} --project ${var.project_id} --limit 10` (add `--auto-ack` once they are dealt with). The reason stands in the attributes, and in the log as `message_dead_lettered`. One message may be there more than once (P7)."
  }

  depends_on = [var.functions_made]
}

resource "google_monitoring_alert_policy" "failed_cells" {
  project               = var.project_id
  display_name          = "${var.prefix}: requests fail"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.thresholds.failed_cells_per_hour} failed runs in an hour"

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"${local.metric_types["cell_failed"]}\" AND metric.label.backfill_mode != \"true\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.thresholds.failed_cells_per_hour
      duration        = "0s"

      aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.processor_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "One processor fails again and again; the category in the log line `cell_failed` says what is done about it. `smart-backfill why PROCESSOR DATE --runtime google` gives the chain."
  }

  depends_on = [var.functions_made]
}

resource "google_monitoring_alert_policy" "parked_cascades" {
  project               = var.project_id
  display_name          = "${var.prefix}: cascades are parked"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.thresholds.parked_cascades_per_day} cascades parked in a day"

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"${local.metric_types["cascade_parked"]}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.thresholds.parked_cascades_per_day
      duration        = "0s"

      aggregations {
        alignment_period     = "86400s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Phases wait for gaps. They release themselves when the reasons are gone; `smart-backfill cascades list --runtime google` shows the reasons, `cascades release` overrides them."
  }

  depends_on = [var.functions_made]
}

resource "google_monitoring_alert_policy" "no_detection" {
  project               = var.project_id
  display_name          = "${var.prefix}: no detection"
  combiner              = "OR"
  severity              = "CRITICAL"
  enabled               = !var.detection_paused
  notification_channels = local.channels

  conditions {
    display_name = "No detection for ${var.thresholds.no_detection_hours} hours"

    condition_absent {
      filter   = "resource.type = \"cloud_run_revision\" AND metric.type = \"${local.metric_types["detection_ended"]}\""
      duration = "${var.thresholds.no_detection_hours * 3600}s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Gaps are found by nobody now, and the sweep of lost work stands still too (P4). Look at the Cloud Scheduler job and at the gap-detector's log."
  }

  depends_on = [var.functions_made]
}

# The tick of staged backfills comes every minute, also while none is at work: a push that is acknowledged is counted.
resource "google_monitoring_alert_policy" "no_coordination" {
  project               = var.project_id
  display_name          = "${var.prefix}: staged backfills are looked after by nobody"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "No tick was acknowledged for an hour"

    condition_absent {
      filter   = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/push_request_count\" AND metric.labels.response_class = \"ack\" AND resource.labels.subscription_id = \"${var.coordination_subscription}\""
      duration = "3600s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A staged backfill whose instance has died stands still now (P4). Look at the Cloud Scheduler job ${var.prefix}-stage-coordination and at the log of stage-coordinator. What is there is kept: `smart-backfill backfill list --runtime google`."
  }
}

# What the functions publish to the alerts topic reaches people here, without anybody listening to that topic.
resource "google_monitoring_alert_policy" "raised_alerts" {
  project               = var.project_id
  display_name          = "${var.prefix}: something will not mend by itself"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "An alert was raised"

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"${local.metric_types["alert_raised"]}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.category"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The log line `alert_raised` has the message, and in its field `command` what to run. The whole alert: `gcloud pubsub subscriptions pull ${var.alerts_subscription} --project ${var.project_id} --limit 10`."
  }

  depends_on = [var.functions_made]
}
