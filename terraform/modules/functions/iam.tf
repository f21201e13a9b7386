# A function is a Cloud Run service of the same name. The push identity is the only one that may invoke it: a forged push
# without its token never reaches the code.
resource "google_cloud_run_v2_service_iam_member" "push_invoker" {
  for_each = google_cloudfunctions2_function.this

  project  = var.project_id
  location = var.region
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.push.email}"
}

locals {
  secret_readers = merge([
    for name, function in var.functions : {
      for key, secret in function.secrets : "${name}:${key}" => { function = name, secret = secret.secret }
    }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.secret_readers

  project   = var.project_id
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.function[each.value.function].email}"
}
