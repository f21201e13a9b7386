variable "project_id" {
  type        = string
  description = "Project that the datasets are in."
}

variable "location" {
  type        = string
  description = "BigQuery location of the datasets that are made, for example US. All of a pipeline's datasets are in one location."
}

variable "history" {
  type = object({
    run_history       = string
    backfill_requests = string
  })
  description = "The append-only tables of this system, as dataset.table."
}

variable "staging_dataset" {
  type        = string
  description = "Dataset of staging tables and of clones of what staged backfills overwrite; what is in it is deleted by BigQuery after a while."
}

variable "read_tables" {
  type        = set(string)
  description = "Tables of the team (dataset.table) that are read and never altered: an existing run history."
  default     = []
}

variable "tables" {
  type = map(object({
    dataset     = string
    table       = string
    date_column = string
    clustering  = list(string)
  }))
  description = "The processors' tables, by dataset.table."

  validation {
    condition     = alltrue([for table in var.tables : length(table.clustering) <= 4])
    error_message = "A table is clustered by at most four columns."
  }
}

variable "schemas_dir" {
  type        = string
  description = "Folder with one JSON schema a table, dataset.table.json, as scripts/terraform-schemas.ts writes it."
}

variable "adopted_datasets" {
  type        = set(string)
  description = "Datasets that exist already: nothing of them is changed but who may use them."
  default     = []
}

variable "adopted_tables" {
  type        = set(string)
  description = "Tables (dataset.table) that exist already: they are neither read nor changed."
  default     = []
}

variable "staging_expiration_hours" {
  type        = number
  description = "After how long a staging table that says nothing else is deleted by BigQuery. Clones of what a staged backfill overwrites say 30 days, and are not meant (P26)."
  default     = 168

  validation {
    condition     = var.staging_expiration_hours >= 24 && var.staging_expiration_hours <= 168
    error_message = "staging_expiration_hours is ${var.staging_expiration_hours}; write 24 to 168: an attempt's staging table is kept for a day."
  }
}

variable "editors" {
  type        = map(string)
  description = "Who writes the datasets: a label that is known at plan time to an IAM member."
}

variable "landing_bucket" {
  type = object({
    name   = string
    create = bool
  })
  description = "Bucket that phase 1 lands its files in. null: the pipeline has no landing folders."
  default     = null
}

variable "destroy_data" {
  type        = bool
  description = "Whether destroying deletes datasets, tables and landed files. false: they stay, and only leave Terraform's state."
  default     = false
}

variable "labels" {
  type        = map(string)
  description = "Labels of every dataset, table and bucket."
  default     = {}
}
