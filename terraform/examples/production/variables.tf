variable "project_id" {
  type        = string
  description = "Project that the running pipeline is in."
}

variable "region" {
  type        = string
  description = "Region of functions, scheduler and the pipeline's Cloud Run services and jobs."
}

variable "firestore_location" {
  type        = string
  description = "Location of the Firestore database: a multi-region (nam5, eur3) outlives the loss of a region."
  default     = "nam5"
}

variable "bigquery_location" {
  type        = string
  description = "BigQuery location of the pipeline's datasets."
  default     = "US"
}

variable "pipeline_file" {
  type        = string
  description = "Path of the team's pipeline.yaml."
}

variable "schemas_dir" {
  type        = string
  description = "Folder that node scripts/terraform-schemas.ts wrote from that file."
}

variable "build_dir" {
  type        = string
  description = "Folder that npm run build wrote for that pipeline."
}

variable "landing_bucket" {
  type        = string
  description = "Bucket that the running pipeline lands its files in. null: one is made, where the pipeline has landing folders."
  default     = null
}

variable "service_urls" {
  type        = map(string)
  description = "Address of each Cloud Run service that pipeline.yaml names as a target, by that name."
  default     = {}
}

variable "build_service_account" {
  type        = string
  description = "Full name of the account that Cloud Build builds the functions with. null: the project's default one."
  default     = null
}

variable "alert_emails" {
  type        = set(string)
  description = "Addresses that get every alert."
}

variable "notification_channels" {
  type        = list(string)
  description = "Full names of channels that exist already and get every alert."
  default     = []
}
