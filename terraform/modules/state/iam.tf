# Firestore has no IAM policy of its own on a database, so the role stands on the project; the condition cuts it to this one
# database: https://cloud.google.com/firestore/docs/manage-databases#configure_per-database_access_permissions
resource "google_project_iam_member" "user" {
  for_each = var.users

  project = var.project_id
  role    = "roles/datastore.user"
  member  = each.value

  condition {
    title       = "only-${var.database == "(default)" ? "default" : var.database}"
    description = "State of smart-backfill only"
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database}\""
  }
}
