variable "project_id" {
  type        = string
  description = "Project that the functions are in."
}

variable "region" {
  type        = string
  description = "Region of the functions, for example us-central1."
}

variable "prefix" {
  type        = string
  description = "What the names of functions and service accounts start with: the pipeline's name."

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", var.prefix))
    error_message = "prefix is ${var.prefix}; write 1 to 30 lower-case letters, digits and -, starting with a letter and not ending with -."
  }
}

variable "source_bucket" {
  type        = string
  description = "Name of the bucket that is made for the functions' zips; bucket names are unique in all of Google Cloud."
}

variable "source_bucket_location" {
  type        = string
  description = "Where that bucket is, for example US."
}

variable "functions" {
  type = map(object({
    zip_path          = string
    sha256            = string
    entry_point       = string
    memory            = optional(string, "512Mi")
    cpu               = optional(string, "1")
    concurrency       = optional(number, 8)
    min_instances     = optional(number, 0)
    max_instances     = optional(number, 5)
    secrets           = optional(map(object({ secret = string, version = optional(string, "latest") })), {})
    extra_environment = optional(map(string), {})
  }))
  description = "Each function by name: its zip and the zip's content hash (from the build's manifest), and what an instance of it may use."

  validation {
    condition     = alltrue([for function in var.functions : function.concurrency == 1 || tonumber(function.cpu) >= 1])
    error_message = "A function that answers several messages at a time needs a whole cpu; set cpu to \"1\" or more, or concurrency to 1."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.min_instances >= 0 && function.min_instances <= function.max_instances && function.max_instances >= 1])
    error_message = "min_instances must be at least 0 and at most max_instances; max_instances at least 1."
  }

  validation {
    condition     = alltrue([for function in var.functions : can(regex("^[0-9a-f]{64}$", function.sha256))])
    error_message = "sha256 must be 64 hexadecimal digits; run npm run build, and give the folder that it writes."
  }
}

variable "timeout_seconds" {
  type        = number
  description = "Longest time of one invocation: the ack deadline of the push subscriptions, since a push is cut there whatever the function allows (P5)."

  validation {
    condition     = var.timeout_seconds >= 30 && var.timeout_seconds <= 600
    error_message = "timeout_seconds is ${var.timeout_seconds}; a push lives 600 seconds at most, and a function needs 30. Correct ack_deadline_seconds in pipeline.yaml."
  }
}

variable "environment" {
  type        = map(string)
  description = "Environment variables of every function."
}

variable "ingress" {
  type        = string
  description = "Who reaches the functions' addresses at all. Pub/Sub of the same project is internal."
  default     = "ALLOW_INTERNAL_ONLY"

  validation {
    condition     = contains(["ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_ALL"], var.ingress)
    error_message = "ingress is ${var.ingress}; write ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB or ALLOW_ALL (which still lets in the push identity only)."
  }
}

variable "build_service_account" {
  type        = string
  description = "Full name (projects/P/serviceAccounts/EMAIL) of the account that Cloud Build builds the functions with. null: the project's default one."
  default     = null
}

variable "labels" {
  type        = map(string)
  description = "Labels of every function."
  default     = {}
}
