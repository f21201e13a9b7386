variable "project_id" {
  type        = string
  description = "Project that the database is in."
}

variable "database" {
  type        = string
  description = "Name of the Firestore database. One of its own, so that access to it is access to this system's state only."

  validation {
    condition     = var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "database is ${var.database}; write (default), or 4 to 63 lower-case letters, digits and -, starting with a letter."
  }
}

variable "location" {
  type        = string
  description = "Location of the database, for example nam5 or us-central1. It can't be changed later."
}

variable "create_database" {
  type        = bool
  description = "Whether the database is made. false: it exists already; indexes and TTL are made in it."
  default     = true
}

variable "indexes" {
  type = map(object({
    collection  = string
    query_scope = optional(string, "COLLECTION")
    fields      = list(object({ field_path = string, order = optional(string), array_config = optional(string) }))
  }))
  description = "Composite indexes, by a name that stays: what the queries of shared/google need."
  default     = {}
}

variable "fields" {
  type = map(object({
    collection = string
    field      = string
    ttl        = optional(bool, false)
    indexes    = list(object({ order = optional(string), array_config = optional(string) }))
  }))
  description = "Single fields, by a name that stays: their indexes (none: no query reads them, and no write pays for them), and whether Firestore may delete a document after the time in one. Field * is all others of a collection."
  default     = {}
}

variable "users" {
  type        = map(string)
  description = "Who reads and writes state: a label that is known at plan time to an IAM member."
}

variable "destroy_data" {
  type        = bool
  description = "Whether destroying deletes the database. false: it stays, and only leaves Terraform's state."
  default     = false
}
