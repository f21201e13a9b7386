# NBA in a project of its own: everything is made.
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

module "smart_backfill" {
  source = "../.."

  project_id         = var.project_id
  region             = var.region
  firestore_location = var.region
  pipeline_file      = "${path.module}/../../../pipelines/nba/pipeline.yaml"
  schemas_dir        = "${path.module}/../../schemas/nba"
  build_dir          = "${path.module}/../../../dist"

  # The service of phases 1 and 2, which pipelines/nba has an example of; leave it out until it is deployed.
  service_urls = var.nba_sources_url == null ? {} : { nba-sources = var.nba_sources_url }
}
