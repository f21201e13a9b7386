locals {
  # Append-only, for people and the query library; no decision reads them.
  history = {
    (var.history.run_history)       = { date_column = "data_date", clustering = ["processor_name", "status"] }
    (var.history.backfill_requests) = { date_column = "game_date", clustering = ["processor_name", "status"] }
  }

  tables = merge(
    var.tables,
    { for ref, table in local.history : ref => merge(table, { dataset = split(".", ref)[0], table = split(".", ref)[1] }) },
  )
  requests     = local.tables[var.history.backfill_requests]
  datasets     = toset(concat([for table in local.tables : table.dataset], [var.staging_dataset]))
  new_datasets = setsubtract(local.datasets, var.adopted_datasets)
  dataset_ids = merge(
    { for dataset in var.adopted_datasets : dataset => dataset },
    { for name, dataset in google_bigquery_dataset.this : name => dataset.dataset_id },
  )
}

resource "google_bigquery_dataset" "this" {
  for_each = local.new_datasets

  project    = var.project_id
  dataset_id = each.key
  location   = var.location
  labels     = var.labels

  # Attempts that ended before they cleaned up are deleted by BigQuery itself. Clones of what staged backfills overwrite have
  # an expiry of their own, of 30 days, which goes before this one (P26).
  default_table_expiration_ms = each.key == var.staging_dataset ? var.staging_expiration_hours * 3600000 : null

  delete_contents_on_destroy = var.destroy_data
  deletion_policy            = var.destroy_data ? "DELETE" : "ABANDON"
}

resource "google_bigquery_table" "this" {
  for_each = { for name, table in local.tables : name => table if !contains(var.adopted_tables, name) }

  project    = var.project_id
  dataset_id = local.dataset_ids[each.value.dataset]
  table_id   = each.value.table
  schema     = file("${var.schemas_dir}/${each.key}.json")
  clustering = each.value.clustering
  labels     = var.labels

  # A date is promoted by a copy job into its own partition (P24), and never costs the bytes of another.
  time_partitioning {
    type  = "DAY"
    field = each.value.date_column
  }

  deletion_protection = !var.destroy_data
  deletion_policy     = var.destroy_data ? "DELETE" : "ABANDON"
}

resource "google_bigquery_table" "requests_latest" {
  count = contains(var.adopted_tables, "${var.history.backfill_requests}_latest") ? 0 : 1

  project     = var.project_id
  dataset_id  = local.dataset_ids[local.requests.dataset]
  table_id    = "${local.requests.table}_latest"
  description = "The last change of each cell's request: rows in a streaming buffer can't be updated, so none is (P18)"
  labels      = var.labels

  view {
    query          = replace(file("${path.module}/../../../shared/google/sql/backfill_requests_latest.sql"), "{{table}}", "${var.project_id}.${var.history.backfill_requests}")
    use_legacy_sql = false
  }

  # A view holds no data.
  deletion_protection = false

  depends_on = [google_bigquery_table.this]
}

resource "google_storage_bucket" "landing" {
  count = var.landing_bucket == null ? 0 : (var.landing_bucket.create ? 1 : 0)

  project                     = var.project_id
  name                        = var.landing_bucket.name
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.destroy_data
  deletion_policy             = var.destroy_data ? "DELETE" : "ABANDON"
  labels                      = var.labels
}
