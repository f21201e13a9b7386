output "dashboard" {
  description = "Full name of the dashboard."
  value       = google_monitoring_dashboard.this.id
}

output "alert_policies" {
  description = "Full name of each alert policy, by what it watches."
  value = {
    oldest_unacked  = google_monitoring_alert_policy.oldest_unacked.name
    dead_letters    = google_monitoring_alert_policy.dead_letters.name
    failed_cells    = google_monitoring_alert_policy.failed_cells.name
    parked_cascades = google_monitoring_alert_policy.parked_cascades.name
    no_detection    = google_monitoring_alert_policy.no_detection.name
    raised_alerts   = google_monitoring_alert_policy.raised_alerts.name
  }
}
