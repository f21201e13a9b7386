data "google_project" "this" {
  project_id = var.project_id
}

resource "google_project_service" "this" {
  for_each = var.enable_apis ? toset([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
  ]) : toset([])

  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}

locals {
  manifest = jsondecode(file("${var.build_dir}/manifest.json"))
  database = coalesce(var.firestore_database, "${local.pipeline.name}-backfill")

  # Who rings while there is work at hand is answered at once, so an instance takes many; one that has no room refuses with
  # 429, which counts as a delivery, and enough of those would dead-letter a doorbell. One detection at a time is state's rule.
  function_defaults = {
    backfill-worker   = { concurrency = 40, max_instances = 10 }
    phase-router      = { concurrency = 40, max_instances = 5 }
    gap-detector      = { concurrency = 40, max_instances = 2 }
    stage-coordinator = { concurrency = 40, max_instances = 2 }
  }
  functions = {
    for name, defaults in local.function_defaults : name => merge(
      {
        zip_path    = "${var.build_dir}/${local.manifest.functions[name].file}"
        sha256      = local.manifest.functions[name].sha256
        entry_point = local.manifest.functions[name].entry_point
      },
      defaults,
      { for key, value in try(var.function_settings[name], {}) : key => value if value != null },
    )
  }

  landing_bucket = local.has_landing || var.landing_bucket != null ? {
    name   = coalesce(var.landing_bucket, "${var.project_id}-${local.pipeline.name}-landing")
    create = var.landing_bucket == null
  } : null

  labels = merge(var.labels, { app = "smart-backfill", pipeline = local.pipeline.name })
}

module "functions" {
  source = "./modules/functions"

  project_id             = var.project_id
  region                 = var.region
  prefix                 = local.pipeline.name
  source_bucket          = "${var.project_id}-${local.pipeline.name}-functions"
  source_bucket_location = var.bigquery_location
  functions              = local.functions
  timeout_seconds        = try(local.pipeline.subscriptions.ack_deadline_seconds, 540)
  ingress                = var.ingress
  build_service_account  = var.build_service_account
  labels                 = local.labels

  environment = {
    PIPELINE_DIR         = "" # The definition that the zip carries.
    GOOGLE_CLOUD_PROJECT = var.project_id
    REGION               = var.region
    BIGQUERY_LOCATION    = var.bigquery_location
    STAGING_DATASET      = local.staging_dataset
    FIRESTORE_DATABASE   = local.database
    LANDING              = local.landing_bucket == null ? "" : "gs://${local.landing_bucket.name}"
    SERVICE_URLS         = jsonencode(var.service_urls)
    MAX_BYTES_BILLED     = tostring(var.max_bytes_billed)
    LOG_LEVEL            = var.log_level
  }

  depends_on = [google_project_service.this]
}

module "messaging" {
  source = "./modules/messaging"

  project_id     = var.project_id
  pipeline       = local.pipeline
  trigger_topics = local.trigger_topics
  adopted_topics = var.adopted_topics
  publishers     = module.functions.members
  service_agent  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  destroy_data   = var.destroy_data
  labels         = local.labels

  push = {
    endpoints             = module.functions.endpoints
    service_account_email = module.functions.push_service_account_email
  }

  depends_on = [google_project_service.this]
}

module "state" {
  source = "./modules/state"

  project_id      = var.project_id
  database        = local.database
  location        = var.firestore_location
  create_database = var.create_firestore_database
  indexes         = local.firestore.indexes
  fields          = local.firestore.fields
  users           = module.functions.members
  destroy_data    = var.destroy_data

  depends_on = [google_project_service.this]
}

module "warehouse" {
  source = "./modules/warehouse"

  project_id       = var.project_id
  location         = var.bigquery_location
  tables           = local.tables
  history          = local.history
  staging_dataset  = local.staging_dataset
  read_tables      = local.read_tables
  schemas_dir      = var.schemas_dir
  adopted_datasets = var.adopted_datasets
  adopted_tables   = var.adopted_tables
  editors          = module.functions.members
  landing_bucket   = local.landing_bucket
  destroy_data     = var.destroy_data
  labels           = local.labels

  depends_on = [google_project_service.this]
}

module "scheduler" {
  source = "./modules/scheduler"

  project_id            = var.project_id
  region                = var.region
  prefix                = local.pipeline.name
  topic_id              = module.messaging.topic_ids[module.messaging.detection_topic]
  coordination_topic_id = module.messaging.topic_ids[module.messaging.coordination_topic]
  schedule              = var.schedule
  time_zone             = local.pipeline.time_zone
  paused                = var.paused

  depends_on = [google_project_service.this]
}

module "monitoring" {
  source = "./modules/monitoring"

  project_id                = var.project_id
  prefix                    = local.pipeline.name
  service_names             = { for name in keys(local.functions) : name => "${local.pipeline.name}-${name}" }
  functions_made            = module.functions.service_names
  pushed_subscriptions      = module.messaging.pushed_subscriptions
  coordination_subscription = module.messaging.coordination_subscription
  dead_letter_subscription  = module.messaging.dead_letter_subscription
  alerts_subscription       = module.messaging.alerts_subscription
  notification_channels     = var.notification_channels
  alert_emails              = var.alert_emails
  thresholds                = var.alert_thresholds
  detection_paused          = var.paused

  depends_on = [google_project_service.this]
}
