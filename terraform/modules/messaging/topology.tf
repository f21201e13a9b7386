# The same topics and subscriptions as shared/pipeline/topology.ts, which the embedded bus and the local cloud use:
# test/terraform/topology.test.ts holds the two against each other.
locals {
  requests_topic     = var.pipeline.topics.backfill_requests
  detection_topic    = coalesce(var.pipeline.topics.gap_detection, "${var.pipeline.name}-gap-detection")
  coordination_topic = coalesce(var.pipeline.topics.stage_coordination, "${var.pipeline.name}-stage-coordination")
  dead_letters_topic = var.pipeline.topics.dead_letters
  alerts_topic       = var.pipeline.topics.alerts

  # What is named twice is what the pipeline itself uses it for.
  topics = merge(
    { for topic, phase in var.trigger_topics : topic => { kind = "trigger", phase = phase } },
    { for phase in var.pipeline.phases : phase.completion_topic => { kind = "completion", phase = phase.name } },
    {
      (local.requests_topic)     = { kind = "requests", phase = null }
      (local.detection_topic)    = { kind = "detection", phase = null }
      (local.coordination_topic) = { kind = "coordination", phase = null }
      (local.dead_letters_topic) = { kind = "dead_letters", phase = null }
      (local.alerts_topic)       = { kind = "alerts", phase = null }
    },
  )

  pushed = merge(
    {
      (var.pipeline.subscriptions.backfill_worker)   = { topic = local.requests_topic, function = "backfill-worker" }
      (var.pipeline.subscriptions.gap_detector)      = { topic = local.detection_topic, function = "gap-detector" }
      (var.pipeline.subscriptions.stage_coordinator) = { topic = local.coordination_topic, function = "stage-coordinator" }
    },
    {
      for phase in var.pipeline.phases :
      "${var.pipeline.subscriptions.phase_router}-${phase.name}" => { topic = phase.completion_topic, function = "phase-router" }
    },
  )

  # Messages of a topic without a subscription are lost (P5): these wait for a person.
  kept = {
    "${local.dead_letters_topic}-sub" = { topic = local.dead_letters_topic }
    "${local.alerts_topic}-sub"       = { topic = local.alerts_topic }
  }

  # Completions among them: a date that a cascade has run is told by the function that ran it.
  published = toset(keys(local.topics))
}
