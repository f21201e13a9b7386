# The whole of it, planned for NBA with a provider that answers without Google: npm run test:terraform, or terraform test.
mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }

  mock_resource "google_service_account" {
    defaults = {
      email = "account@example-project.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_cloudfunctions2_function" {
    defaults = {
      service_config = {
        uri = "https://function-abc-uc.a.run.app"
      }
    }
  }
}

variables {
  project_id         = "example-project"
  region             = "us-central1"
  firestore_location = "us-central1"
  pipeline_file      = "../pipelines/nba/pipeline.yaml"
  schemas_dir        = "./schemas/nba"
  build_dir          = "./tests/build"
  service_urls       = { nba-sources = "https://nba-sources-abc-uc.a.run.app" }
}

run "everything_is_made" {
  command = plan

  assert {
    condition     = length(local.tables) == 13
    error_message = "NBA has 13 tables, not ${length(local.tables)}."
  }

  assert {
    condition     = local.landing_bucket.name == "example-project-nba-landing" && local.landing_bucket.create
    error_message = "NBA lands files, so a bucket is made for them."
  }

  assert {
    condition     = alltrue([for table in local.tables : length(table.clustering) >= 1 && !contains(table.clustering, table.date_column)])
    error_message = "Every table is clustered by its key, without the date that it is partitioned by."
  }

  assert {
    condition     = startswith(output.publish_command, "gcloud pubsub topics publish nba-backfill-requests --project example-project --message '{")
    error_message = "The command that publishes a request is ${output.publish_command}."
  }

  assert {
    condition     = !contains(keys(module.functions.environment), "PIPELINE_DIR") && !contains(values(module.functions.environment), "") && module.functions.environment["FUNCTION_TIMEOUT_SECONDS"] == "540"
    error_message = "Environment variables are ${jsonencode(module.functions.environment)}; an empty one is left out."
  }

  assert {
    condition     = local.services == toset(["nba-sources"]) && length(google_cloud_run_v2_service_iam_member.target_invoker) == 3
    error_message = "Three functions invoke the service of NBA's phases 1 and 2."
  }
}

run "messages_are_pushed" {
  command = apply

  assert {
    condition     = length(module.messaging.pushed_subscriptions) == 8 && module.messaging.dead_letter_subscription == "nba-backfill-dead-letters-sub"
    error_message = "NBA has a worker, a detector, a coordinator and five phases."
  }

  assert {
    condition     = module.functions.endpoints["gap-detector"] == "https://function-abc-uc.a.run.app"
    error_message = "Pushes go to the run.app address: the only one that is internal."
  }

  assert {
    condition     = module.warehouse.datasets == tolist(["nba_analytics", "nba_precompute", "nba_processing", "nba_raw", "nba_reference", "nba_staging"])
    error_message = "Datasets are ${join(", ", module.warehouse.datasets)}."
  }
}

run "a_running_pipeline_is_adopted" {
  command = plan

  variables {
    adopted_topics   = ["scraper-complete", "nba-phase2-raw-complete"]
    adopted_datasets = ["nba_raw"]
    adopted_tables   = ["nba_raw.nbac_schedule"]
    landing_bucket   = "running-landing"
    run_jobs         = ["nightly"]
  }

  assert {
    condition     = !local.landing_bucket.create && local.landing_bucket.name == "running-landing"
    error_message = "The bucket that is there is used."
  }

  assert {
    condition     = length(google_cloud_run_v2_job_iam_member.target_executor) == 4
    error_message = "Three functions start the job that is named, and the coordinator cancels what is overdue."
  }
}

run "a_setting_is_changed" {
  command = plan

  variables {
    function_settings = { backfill-worker = { max_instances = 20, memory = "1Gi" } }
  }

  assert {
    condition     = local.functions["backfill-worker"].max_instances == 20 && local.functions["backfill-worker"].concurrency == 40
    error_message = "A setting replaces its own default only."
  }
}

run "an_unknown_function_is_refused" {
  command = plan

  variables {
    function_settings = { worker = { max_instances = 20 } }
  }

  expect_failures = [var.function_settings]
}

run "a_build_of_another_pipeline_is_refused" {
  command = plan

  variables {
    build_dir = "./tests/build-of-another"
  }

  expect_failures = [var.build_dir]
}
