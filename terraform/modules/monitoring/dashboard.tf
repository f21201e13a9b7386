locals {
  subscription_filter = "resource.type=\"pubsub_subscription\" resource.label.subscription_id=one_of(${join(",", [for name in var.pushed_subscriptions : "\"${name}\""])})"
  service_filter      = "resource.type=\"cloud_run_revision\" resource.label.service_name=one_of(${join(",", [for name in values(var.service_names) : "\"${name}\""])})"

  charts = [
    {
      title   = "Oldest undelivered message (s)"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" ${local.subscription_filter}"
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.label.subscription_id"]
    },
    {
      title   = "Dead letters kept"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${var.dead_letter_subscription}\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = []
    },
    {
      title   = "Failed runs by processor"
      filter  = "metric.type=\"${local.metric_types["cell_failed"]}\" resource.type=\"cloud_run_revision\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.processor_name"]
    },
    {
      title   = "Parked cascades by phase"
      filter  = "metric.type=\"${local.metric_types["cascade_parked"]}\" resource.type=\"cloud_run_revision\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.phase"]
    },
    {
      title   = "Detections"
      filter  = "metric.type=\"${local.metric_types["detection_ended"]}\" resource.type=\"cloud_run_revision\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = []
    },
    {
      title   = "Answers of the functions by class"
      filter  = "metric.type=\"run.googleapis.com/request_count\" ${local.service_filter}"
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["resource.label.service_name", "metric.label.response_code_class"]
    },
    {
      title   = "Latency of the functions, 95th percentile (ms)"
      filter  = "metric.type=\"run.googleapis.com/request_latencies\" ${local.service_filter}"
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = ["resource.label.service_name"]
    },
    {
      title   = "Memory of the functions, 95th percentile (share of the limit)"
      filter  = "metric.type=\"run.googleapis.com/container/memory/utilizations\" ${local.service_filter}"
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = ["resource.label.service_name"]
    },
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = "smart-backfill: ${var.prefix}"
    mosaicLayout = {
      columns = 12
      tiles = [
        for index, chart in local.charts : {
          xPos   = index % 2 * 6
          yPos   = floor(index / 2) * 4
          width  = 6
          height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "300s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.reducer
                      groupByFields      = chart.by
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })
}
