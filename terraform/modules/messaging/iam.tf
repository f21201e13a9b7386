# Dead-lettering is done by Pub/Sub's own service agent: it publishes to the dead-letter topic and acknowledges on the
# subscription that the message leaves. Without both, nothing is ever dead-lettered, and nothing says so (P5).
resource "google_pubsub_topic_iam_member" "dead_letter_publisher" {
  count = var.service_agent == null ? 0 : 1

  project = var.project_id
  topic   = local.topic_ids[local.dead_letters_topic]
  role    = "roles/pubsub.publisher"
  member  = var.service_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letter_subscriber" {
  for_each = { for name, subscription in google_pubsub_subscription.pushed : name => subscription.name if var.service_agent != null }

  project      = var.project_id
  subscription = each.value
  role         = "roles/pubsub.subscriber"
  member       = var.service_agent
}

# The push carries a token of the push identity, which the service agent makes. Projects made after 8 April 2021 allow it
# already; older ones need this.
resource "google_service_account_iam_member" "push_token_creator" {
  count = var.service_agent == null ? 0 : 1

  service_account_id = "projects/${var.project_id}/serviceAccounts/${var.push.service_account_email}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = var.service_agent
}

locals {
  publications = merge([
    for topic in local.published : { for label, member in var.publishers : "${topic}:${label}" => { topic = topic, member = member } }
  ]...)
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publications

  project = var.project_id
  topic   = local.topic_ids[each.value.topic]
  role    = "roles/pubsub.publisher"
  member  = each.value.member
}
