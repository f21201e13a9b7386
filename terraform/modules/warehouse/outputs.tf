output "staging_dataset" {
  description = "Dataset of staging tables and of clones of what staged backfills overwrite."
  value       = local.dataset_ids[var.staging_dataset]
}

output "datasets" {
  description = "Every dataset that the functions write, made or adopted."
  value       = sort([for dataset in local.datasets : local.dataset_ids[dataset]])
}

output "landing" {
  description = "Where phase 1 lands its files, as gs://bucket; null where the pipeline has no landing folders."
  value       = var.landing_bucket == null ? null : "gs://${var.landing_bucket.name}"
}
