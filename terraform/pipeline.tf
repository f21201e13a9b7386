# What pipeline.yaml says. Its anchors are resolved by yamldecode; keys of its maps come in alphabetical order, so columns
# are taken from the generated schemas, which keep the order.
locals {
  pipeline   = yamldecode(file(var.pipeline_file))
  processors = local.pipeline.processors

  # BigQuery's names have no hyphen.
  dataset_prefix = replace(local.pipeline.name, "-", "_")

  history = {
    run_history       = try(local.pipeline.tables.run_history, "${local.dataset_prefix}_reference.processor_run_history")
    backfill_requests = try(local.pipeline.tables.backfill_requests, "${local.dataset_prefix}_processing.backfill_requests")
  }
  staging_dataset = try(local.pipeline.tables.staging_dataset, "${local.dataset_prefix}_staging")
  read_tables     = toset([for table in [try(local.pipeline.tables.history_view.table, null)] : table if table != null])

  # What Google's runtime runs; an embedded-only target is run by nobody here.
  targets  = { for name, processor in local.processors : name => try(processor.target.google, processor.target) }
  services = toset([for target in local.targets : target.http.service if can(target.http.service)])
  jobs     = toset([for target in local.targets : target.cloud_run_job if can(target.cloud_run_job)])

  # Two may be started by one topic; the first phase that uses it names it.
  started = { for name, target in local.targets : target.pubsub => local.processors[name].phase... if can(target.pubsub) }
  begun   = { for phase in local.pipeline.phases : phase.cascade_target.topic => phase.name... if can(phase.cascade_target.topic) }
  trigger_topics = {
    for topic, phases in merge(local.started, local.begun) :
    topic => [for phase in local.pipeline.phases : phase.name if contains(phases, phase.name)][0]
  }

  # Several processors may fill one table; its shape is that of the first.
  filled = { for name, processor in local.processors : processor.table => processor... if can(processor.table) }
  tables = {
    for ref, processors in local.filled : ref => {
      dataset     = split(".", ref)[0]
      table       = split(".", ref)[1]
      date_column = try(processors[0].date_column, "game_date")
      # BigQuery clusters by at most four columns, and not by floats.
      clustering = slice(
        [for column in processors[0].key : column if column != try(processors[0].date_column, "game_date") && processors[0].columns[column] != "FLOAT64"],
        0,
        min(4, length([for column in processors[0].key : column if column != try(processors[0].date_column, "game_date") && processors[0].columns[column] != "FLOAT64"])),
      )
    }
  }

  has_landing = anytrue([for processor in local.processors : can(processor.landing)])
}
