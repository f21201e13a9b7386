locals {
  # An account's name has at most 30 characters; the longest function name has 17.
  account_prefix = trimsuffix(substr(var.prefix, 0, 12), "-")

  # What is empty is left out, which the functions take for the same: an API that drops it would be planned for ever.
  environment = {
    for name, value in merge(var.environment, { FUNCTION_TIMEOUT_SECONDS = tostring(var.timeout_seconds) }) : name => value if value != ""
  }
}

# Zips are made again from the commit at any time, so this bucket may go with the functions.
resource "google_storage_bucket" "source" {
  project                     = var.project_id
  name                        = var.source_bucket
  location                    = var.source_bucket_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels
}

# Named by content: the same code is never uploaded or deployed again, another is always.
resource "google_storage_bucket_object" "source" {
  for_each = var.functions

  bucket = google_storage_bucket.source.name
  name   = "${each.key}-${each.value.sha256}.zip"
  source = each.value.zip_path
}

resource "google_service_account" "function" {
  for_each = var.functions

  project      = var.project_id
  account_id   = "${local.account_prefix}-${each.key}"
  display_name = "${var.prefix}: ${each.key}"
}

# Whose token the pushes carry; it may invoke the functions and nothing else.
resource "google_service_account" "push" {
  project      = var.project_id
  account_id   = "${local.account_prefix}-push"
  display_name = "${var.prefix}: pushes of Pub/Sub"
}

# HTTP functions: their messages come by push subscriptions of our own (P5), with retries that these say, not the function (P3).
resource "google_cloudfunctions2_function" "this" {
  for_each = var.functions

  project     = var.project_id
  location    = var.region
  name        = "${var.prefix}-${each.key}"
  description = "smart-backfill: ${each.key} of pipeline ${var.prefix}"
  labels      = var.labels

  build_config {
    runtime         = "nodejs24"
    entry_point     = each.value.entry_point
    service_account = var.build_service_account

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source[each.key].name
      }
    }
  }

  service_config {
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    timeout_seconds                  = var.timeout_seconds
    ingress_settings                 = var.ingress
    all_traffic_on_latest_revision   = true
    service_account_email            = google_service_account.function[each.key].email

    environment_variables = merge(local.environment, each.value.extra_environment)

    dynamic "secret_environment_variables" {
      for_each = each.value.secrets

      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value.secret
        version    = secret_environment_variables.value.version
      }
    }
  }
}
