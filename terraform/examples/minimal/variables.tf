variable "project_id" {
  type        = string
  description = "Project that all of it is in."
}

variable "region" {
  type        = string
  description = "Region of functions, scheduler and Firestore."
  default     = "us-central1"
}

variable "nba_sources_url" {
  type        = string
  description = "Address of the Cloud Run service nba-sources, https://…run.app. null: it is not deployed yet."
  default     = null
}
