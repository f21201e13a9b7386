resource "google_pubsub_topic" "this" {
  for_each = { for name, topic in local.topics : name => topic if !contains(var.adopted_topics, name) }

  project = var.project_id
  name    = each.key
  labels  = merge(var.labels, { kind = each.value.kind })

  deletion_policy = var.destroy_data ? "DELETE" : "ABANDON"
}

data "google_pubsub_topic" "adopted" {
  for_each = { for name, topic in local.topics : name => topic if contains(var.adopted_topics, name) }

  project = var.project_id
  name    = each.key
}

locals {
  topic_ids = merge(
    { for name, topic in google_pubsub_topic.this : name => topic.id },
    { for name, topic in data.google_pubsub_topic.adopted : name => topic.id },
  )
}

# A push subscription of its own, not an Eventarc trigger: that one's subscription can be given neither a dead letter nor
# a backoff (P5), and a redeployment may make it anew and lose messages (P6).
resource "google_pubsub_subscription" "pushed" {
  for_each = local.pushed

  project = var.project_id
  name    = each.key
  topic   = local.topic_ids[each.value.topic]
  labels  = var.labels

  ack_deadline_seconds       = var.pipeline.subscriptions.ack_deadline_seconds
  message_retention_duration = "${var.message_retention_seconds}s"

  # By default a subscription without traffic is deleted after 31 days: an off-season is longer.
  expiration_policy {
    ttl = ""
  }

  # Without it Pub/Sub delivers again at once (P13).
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = local.topic_ids[local.dead_letters_topic]
    max_delivery_attempts = var.max_delivery_attempts
  }

  push_config {
    push_endpoint = var.push.endpoints[each.value.function]

    oidc_token {
      service_account_email = var.push.service_account_email
      audience              = var.push.endpoints[each.value.function]
    }
  }
}

resource "google_pubsub_subscription" "kept" {
  for_each = local.kept

  project = var.project_id
  name    = each.key
  topic   = local.topic_ids[each.value.topic]
  labels  = var.labels

  # The time a person has to read what was pulled by hand.
  ack_deadline_seconds       = 60
  message_retention_duration = "${var.message_retention_seconds}s"

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  deletion_policy = var.destroy_data ? "DELETE" : "ABANDON"
}
