variable "project_id" {
  type        = string
  description = "Project that is watched."
}

variable "prefix" {
  type        = string
  description = "What the names of metrics, policies and the dashboard start with: the pipeline's name."
}

variable "service_names" {
  type        = map(string)
  description = "Cloud Run service of each function, by the function's name; known before the functions are made."
}

variable "functions_made" {
  type        = map(string)
  description = "The same, known once the functions are made: alerts wait for it."
  default     = {}
}

variable "pushed_subscriptions" {
  type        = list(string)
  description = "Subscriptions that push to the functions."
}

variable "coordination_subscription" {
  type        = string
  description = "Subscription that pushes to the stage-coordinator: a tick every minute."
}

variable "dead_letter_subscription" {
  type        = string
  description = "Subscription that keeps what could not be delivered."
}

variable "alerts_subscription" {
  type        = string
  description = "Subscription that keeps the alerts that the functions publish."
}

variable "notification_channels" {
  type        = list(string)
  description = "Full names (projects/P/notificationChannels/N) of channels that exist already."
  default     = []
}

variable "alert_emails" {
  type        = set(string)
  description = "Addresses that get every alert; a channel is made for each."
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alert_emails holds something that is no address; write name@example.com."
  }
}

variable "thresholds" {
  type = object({
    unacked_minutes         = optional(number, 30)
    failed_cells_per_hour   = optional(number, 5)
    parked_cascades_per_day = optional(number, 20)
    no_detection_hours      = optional(number, 2)
  })
  description = "When alerts go out: the oldest undelivered message, failed cells in an hour, cascades parked in a day, hours without a detection (at most 23)."
  default     = {}

  validation {
    condition     = var.thresholds.unacked_minutes >= 10 && var.thresholds.failed_cells_per_hour >= 0 && var.thresholds.parked_cascades_per_day >= 0
    error_message = "unacked_minutes must be at least 10 (a backoff takes as long), the others at least 0."
  }

  validation {
    condition     = var.thresholds.no_detection_hours >= 1 && var.thresholds.no_detection_hours <= 23
    error_message = "no_detection_hours is ${var.thresholds.no_detection_hours}; Monitoring sees an absence of 1 to 23 hours."
  }
}

variable "detection_paused" {
  type        = bool
  description = "Whether the tick is paused: then no detection is no alert."
  default     = false
}
