locals {
  editor_grants = merge([
    for dataset in local.datasets : { for label, member in var.editors : "${dataset}:${label}" => { dataset = dataset, member = member } }
  ]...)
}

# Rows are read, staged and promoted by these; who gets the role on the project could write every dataset of it.
resource "google_bigquery_dataset_iam_member" "editor" {
  for_each = local.editor_grants

  project    = var.project_id
  dataset_id = local.dataset_ids[each.value.dataset]
  role       = "roles/bigquery.dataEditor"
  member     = each.value.member
}

locals {
  reader_grants = merge([
    for ref in var.read_tables : {
      for label, member in var.editors : "${ref}:${label}" => { dataset = split(".", ref)[0], table = split(".", ref)[1], member = member }
    }
  ]...)
}

resource "google_bigquery_table_iam_member" "reader" {
  for_each = local.reader_grants

  project    = var.project_id
  dataset_id = each.value.dataset
  table_id   = each.value.table
  role       = "roles/bigquery.dataViewer"
  member     = each.value.member
}

# Jobs belong to a project, not to a dataset: this role lets run them and gives no data.
resource "google_project_iam_member" "job_user" {
  for_each = var.editors

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

# Who is refused the id of a promotion attaches to the job that has it (P21), which an account of another function or a person
# may have begun; by itself an account sees its own jobs only: https://cloud.google.com/bigquery/docs/managing-jobs#view-job
resource "google_project_iam_member" "job_viewer" {
  for_each = var.editors

  project = var.project_id
  role    = "roles/bigquery.resourceViewer"
  member  = each.value
}

resource "google_storage_bucket_iam_member" "landing_reader" {
  for_each = { for label, member in var.editors : label => member if var.landing_bucket != null }

  bucket = var.landing_bucket.create ? google_storage_bucket.landing[0].name : var.landing_bucket.name
  role   = "roles/storage.objectViewer"
  member = each.value
}

# What a staged backfill is going to overwrite is kept beside the landed files, which nobody but phase 1 writes.
resource "google_storage_bucket_iam_member" "landing_keeper" {
  for_each = { for label, member in var.editors : label => member if var.landing_bucket != null }

  bucket = var.landing_bucket.create ? google_storage_bucket.landing[0].name : var.landing_bucket.name
  role   = "roles/storage.objectUser"
  member = each.value

  condition {
    title       = "only-kept"
    description = "What staged backfills of smart-backfill overwrite"
    expression  = "resource.name.startsWith(\"projects/_/buckets/${var.landing_bucket.name}/objects/_kept/\")"
  }
}
