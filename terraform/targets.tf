# What the functions may start: the services and jobs that pipeline.yaml names, each by itself. They belong to the pipeline
# and are not made here.
locals {
  run_jobs = var.run_jobs == null ? local.jobs : var.run_jobs

  # The coordinator of staged backfills runs no cell; what is overdue of a job it cancels.
  service_grants = merge([
    for service in local.services : { for label, member in module.functions.members : "${service}:${label}" => { service = service, member = member } if label != "stage-coordinator" }
    if contains(keys(var.service_urls), service)
  ]...)
  job_grants = merge([
    for job in local.run_jobs : { for label, member in module.functions.members : "${job}:${label}" => { job = job, member = member } }
  ]...)
}

resource "google_cloud_run_v2_service_iam_member" "target_invoker" {
  for_each = local.service_grants

  project  = var.project_id
  location = var.region
  name     = each.value.service
  role     = "roles/run.invoker"
  member   = each.value.member
}

# Starts with the date as arguments, and cancels.
resource "google_cloud_run_v2_job_iam_member" "target_executor" {
  for_each = local.job_grants

  project  = var.project_id
  location = var.region
  name     = each.value.job
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = each.value.member
}

# Sees what became of an execution.
resource "google_cloud_run_v2_job_iam_member" "target_viewer" {
  for_each = local.job_grants

  project  = var.project_id
  location = var.region
  name     = each.value.job
  role     = "roles/run.viewer"
  member   = each.value.member
}
