variable "project_id" {
  type        = string
  description = "Project that the topics and subscriptions are in."
}

variable "pipeline" {
  type = object({
    name = string
    topics = object({
      backfill_requests  = string
      dead_letters       = string
      alerts             = string
      gap_detection      = optional(string)
      stage_coordination = optional(string)
    })
    subscriptions = object({
      backfill_worker      = string
      phase_router         = string
      gap_detector         = optional(string, "gap-detector-sub")
      stage_coordinator    = optional(string, "stage-coordinator-sub")
      ack_deadline_seconds = optional(number, 540)
    })
    phases = list(object({
      name             = string
      completion_topic = string
    }))
  })
  description = "What pipeline.yaml says about topics and subscriptions; the whole decoded file may be given, the rest of it is left out."

  validation {
    condition     = var.pipeline.subscriptions.ack_deadline_seconds >= 10 && var.pipeline.subscriptions.ack_deadline_seconds <= 600
    error_message = "subscriptions.ack_deadline_seconds is ${var.pipeline.subscriptions.ack_deadline_seconds}; Pub/Sub allows 10 to 600 seconds. Correct pipeline.yaml."
  }

  validation {
    condition     = length(distinct(var.pipeline.phases[*].completion_topic)) == length(var.pipeline.phases)
    error_message = "Two phases have the same completion_topic; give each phase a topic of its own in pipeline.yaml."
  }
}

variable "trigger_topics" {
  type        = map(string)
  description = "Topics that start something outside this project (cascade_target, pubsub targets): topic name to the phase it belongs to. Who listens there makes the subscription."
  default     = {}
}

variable "adopted_topics" {
  type        = set(string)
  description = "Topics of pipeline.yaml that exist already: they are read, never created, changed or destroyed."
  default     = []
}

variable "push" {
  type = object({
    endpoints             = map(string)
    service_account_email = string
  })
  description = "Address of each function (backfill-worker, phase-router, gap-detector, stage-coordinator), and the identity whose token the pushes carry."

  validation {
    condition     = alltrue([for name in ["backfill-worker", "phase-router", "gap-detector", "stage-coordinator"] : contains(keys(var.push.endpoints), name)])
    error_message = "push.endpoints has ${join(", ", keys(var.push.endpoints))}; it needs backfill-worker, phase-router, gap-detector and stage-coordinator."
  }
}

variable "publishers" {
  type        = map(string)
  description = "Who may publish to the topics of this project that functions publish to: a label that is known at plan time to an IAM member."
  default     = {}
}

variable "service_agent" {
  type        = string
  description = "IAM member of the project's Pub/Sub service agent. null grants nothing: only for the emulator, which knows no IAM."
  default     = null

  validation {
    condition     = var.service_agent == null || can(regex("^serviceAccount:service-[0-9]+@gcp-sa-pubsub\\.iam\\.gserviceaccount\\.com$", var.service_agent))
    error_message = "service_agent is ${coalesce(var.service_agent, "null")}; write serviceAccount:service-PROJECT_NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com."
  }
}

variable "max_delivery_attempts" {
  type        = number
  description = "Deliveries after which a message goes to the dead-letter topic. Approximate on Pub/Sub's side (P7): the functions count attempts in state. 20 last through an outage of two hours."
  default     = 20

  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "max_delivery_attempts is ${var.max_delivery_attempts}; Pub/Sub allows 5 to 100."
  }
}

variable "message_retention_seconds" {
  type        = number
  description = "How long an undelivered message is kept."
  default     = 604800

  validation {
    condition     = var.message_retention_seconds >= 600 && var.message_retention_seconds <= 2678400
    error_message = "message_retention_seconds is ${var.message_retention_seconds}; Pub/Sub allows 600 (10 minutes) to 2678400 (31 days)."
  }
}

variable "destroy_data" {
  type        = bool
  description = "Whether destroying deletes topics and kept messages. false: they stay, and only leave Terraform's state."
  default     = false
}

variable "labels" {
  type        = map(string)
  description = "Labels of every topic and subscription."
  default     = {}
}
