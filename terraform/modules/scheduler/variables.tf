variable "project_id" {
  type        = string
  description = "Project that the jobs are in."
}

variable "region" {
  type        = string
  description = "Region of the jobs, for example us-central1."
}

variable "prefix" {
  type        = string
  description = "What the jobs' names start with: the pipeline's name."
}

variable "topic_id" {
  type        = string
  description = "Full name of the topic whose messages start a detection."
}

variable "coordination_topic_id" {
  type        = string
  description = "Full name of the topic whose messages have staged backfills advanced."
}

variable "schedule" {
  type        = string
  description = "When a detection starts by itself, as unix-cron."
  default     = "*/5 * * * *"

  validation {
    condition     = length(split(" ", var.schedule)) == 5
    error_message = "schedule is '${var.schedule}'; write the five fields of unix-cron, for example */5 * * * *."
  }
}

variable "time_zone" {
  type        = string
  description = "Time zone of the schedule: the pipeline's."
}

variable "paused" {
  type        = bool
  description = "Whether the tick of detections stands still. Failed completions and parked cascades start detections all the same."
  default     = false
}
