variable "project_id" {
  type        = string
  description = "Project that all of it is in."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is ${var.project_id}; write the project's id (6 to 30 lower-case letters, digits and -), not its number or its name."
  }
}

variable "region" {
  type        = string
  description = "Region of functions, scheduler and the pipeline's own Cloud Run services and jobs, for example us-central1."
}

variable "pipeline_file" {
  type        = string
  description = "Path of pipeline.yaml: the file that the functions read too."

  validation {
    condition     = can(yamldecode(file(var.pipeline_file)).phases)
    error_message = "pipeline_file is ${var.pipeline_file}, which is no pipeline.yaml; smart-backfill pipeline validate says what is wrong with it."
  }
}

variable "schemas_dir" {
  type        = string
  description = "Folder of the tables' schemas (dataset.table.json). node scripts/terraform-schemas.ts writes it from pipeline.yaml."
}

variable "build_dir" {
  type        = string
  description = "Folder that npm run build wrote: manifest.json and a zip a function."

  validation {
    condition     = can(jsondecode(file("${var.build_dir}/manifest.json")).functions)
    error_message = "build_dir is ${var.build_dir}, which has no manifest.json with functions in it; run npm run build and give the folder that it writes."
  }

  # A zip carries the definition that it was built with.
  validation {
    condition     = try(jsondecode(file("${var.build_dir}/manifest.json")).pipeline, "") == try(yamldecode(file(var.pipeline_file)).name, "")
    error_message = "The functions in build_dir were built for another pipeline than pipeline_file defines; run npm run build -- --pipeline FOLDER with its folder."
  }
}

variable "function_settings" {
  type = map(object({
    memory            = optional(string)
    cpu               = optional(string)
    concurrency       = optional(number)
    min_instances     = optional(number)
    max_instances     = optional(number)
    secrets           = optional(map(object({ secret = string, version = optional(string, "latest") })))
    extra_environment = optional(map(string))
  }))
  description = "What an instance of a function may use, where it is to be other than here set: by backfill-worker, phase-router, gap-detector, stage-coordinator."
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.function_settings), ["backfill-worker", "phase-router", "gap-detector", "stage-coordinator"])) == 0
    error_message = "function_settings has ${join(", ", keys(var.function_settings))}; the functions are backfill-worker, phase-router, gap-detector and stage-coordinator."
  }
}

variable "service_urls" {
  type        = map(string)
  description = "Address of each Cloud Run service that pipeline.yaml names as a target (http: {service: NAME}), by that name; the functions may invoke these."
  default     = {}

  validation {
    condition     = alltrue([for url in values(var.service_urls) : startswith(url, "https://")])
    error_message = "service_urls must start with https://: the functions send them an identity token."
  }
}

variable "run_jobs" {
  type        = set(string)
  description = "Cloud Run jobs that the functions may start and cancel. null: those that pipeline.yaml names; [] while they don't exist yet."
  default     = null
}

variable "bigquery_location" {
  type        = string
  description = "BigQuery location of the pipeline's datasets, for example US; of the landing bucket and the functions' zips too."
  default     = "US"
}

variable "max_bytes_billed" {
  type        = number
  description = "Most bytes that one query of the functions may read; over it BigQuery refuses the query, at no cost."
  default     = 10737418240

  validation {
    condition     = var.max_bytes_billed >= 10485760
    error_message = "max_bytes_billed is ${var.max_bytes_billed}; BigQuery bills at least 10485760 bytes (10 MiB) a query and table."
  }
}

variable "firestore_database" {
  type        = string
  description = "Name of the Firestore database of this pipeline's state. null: the pipeline's name with -backfill."
  default     = null
}

variable "firestore_location" {
  type        = string
  description = "Location of the Firestore database, for example nam5 or us-central1. It can't be changed later."
}

variable "create_firestore_database" {
  type        = bool
  description = "Whether the database is made. false: it exists already; indexes and TTL are made in it."
  default     = true
}

variable "landing_bucket" {
  type        = string
  description = "Bucket that exists already and that phase 1 lands its files in. null: one is made, where the pipeline has landing folders."
  default     = null
}

variable "adopted_topics" {
  type        = set(string)
  description = "Topics of pipeline.yaml that the running pipeline has already: read, never created, changed or destroyed."
  default     = []
}

variable "adopted_datasets" {
  type        = set(string)
  description = "BigQuery datasets that exist already: only who may use them is added."
  default     = []
}

variable "adopted_tables" {
  type        = set(string)
  description = "BigQuery tables (dataset.table) that exist already: neither read nor changed."
  default     = []

  validation {
    condition     = alltrue([for table in var.adopted_tables : length(split(".", table)) == 2])
    error_message = "adopted_tables has ${join(", ", var.adopted_tables)}; write each as dataset.table."
  }
}

variable "schedule" {
  type        = string
  description = "When a detection starts by itself, as unix-cron in the pipeline's time zone."
  default     = "*/5 * * * *"
}

variable "paused" {
  type        = bool
  description = "Whether the tick stands still, for example in an off-season."
  default     = false
}

variable "log_level" {
  type        = string
  description = "The least severity that the functions log."
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "log_level is ${var.log_level}; write DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL."
  }
}

variable "ingress" {
  type        = string
  description = "Who reaches the functions' addresses at all: ALLOW_INTERNAL_ONLY (Pub/Sub of this project is internal), ALLOW_INTERNAL_AND_GCLB or ALLOW_ALL."
  default     = "ALLOW_INTERNAL_ONLY"
}

variable "build_service_account" {
  type        = string
  description = "Full name (projects/P/serviceAccounts/EMAIL) of the account that Cloud Build builds the functions with. null: the project's default one."
  default     = null
}

variable "alert_emails" {
  type        = set(string)
  description = "Addresses that get every alert."
  default     = []
}

variable "notification_channels" {
  type        = list(string)
  description = "Full names (projects/P/notificationChannels/N) of channels that exist already and get every alert."
  default     = []
}

variable "alert_thresholds" {
  type = object({
    unacked_minutes         = optional(number, 30)
    failed_cells_per_hour   = optional(number, 5)
    parked_cascades_per_day = optional(number, 20)
    no_detection_hours      = optional(number, 2)
  })
  description = "When alerts go out."
  default     = {}
}

variable "enable_apis" {
  type        = bool
  description = "Whether the APIs that are needed are switched on. Destroying never switches one off."
  default     = true
}

variable "destroy_data" {
  type        = bool
  description = "Whether terraform destroy deletes data: topics with their messages, the Firestore database, datasets, tables, landed files. Apply it once as true before destroying."
  default     = false
}

variable "labels" {
  type        = map(string)
  description = "Labels of everything that can have some."
  default     = {}
}
