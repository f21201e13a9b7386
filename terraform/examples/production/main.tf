# Beside a pipeline that is already running: its topics, datasets and tables are adopted, nothing of it is changed.
terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.45, < 8.0"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}

locals {
  pipeline = yamldecode(file(var.pipeline_file))

  # The running pipeline has a topic a phase, and a table a processor.
  running_topics = toset(local.pipeline.phases[*].completion_topic)
  running_tables = toset([for processor in local.pipeline.processors : processor.table if can(processor.table)])
}

module "smart_backfill" {
  source = "../.."

  project_id         = var.project_id
  region             = var.region
  firestore_location = var.firestore_location
  bigquery_location  = var.bigquery_location
  pipeline_file      = var.pipeline_file
  schemas_dir        = var.schemas_dir
  build_dir          = var.build_dir

  adopted_topics   = local.running_topics
  adopted_tables   = local.running_tables
  adopted_datasets = toset([for table in local.running_tables : split(".", table)[0]])
  landing_bucket   = var.landing_bucket
  service_urls     = var.service_urls

  # An instance that is always there: the first message of the night does not wait for a cold start.
  function_settings = {
    phase-router    = { min_instances = 1 }
    backfill-worker = { max_instances = 20 }
  }

  build_service_account = var.build_service_account
  alert_emails          = var.alert_emails
  notification_channels = var.notification_channels
  alert_thresholds      = { no_detection_hours = 1 }
  labels                = { environment = "production" }
}
