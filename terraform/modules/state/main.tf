resource "google_firestore_database" "this" {
  count = var.create_database ? 1 : 0

  project     = var.project_id
  name        = var.database
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  # What the emulator has too: what the tests prove of contention (P15 to P17) holds here.
  concurrency_mode                  = "PESSIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.destroy_data ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = var.destroy_data ? "DELETE" : "ABANDON"
}

locals {
  database = var.create_database ? google_firestore_database.this[0].name : var.database
}

resource "google_firestore_index" "this" {
  for_each = var.indexes

  project     = var.project_id
  database    = local.database
  collection  = each.value.collection
  query_scope = each.value.query_scope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.field_path
      order        = fields.value.order
      array_config = fields.value.array_config
    }
  }
}

resource "google_firestore_field" "this" {
  for_each = var.fields

  project    = var.project_id
  database   = local.database
  collection = each.value.collection
  field      = each.value.field

  dynamic "ttl_config" {
    for_each = each.value.ttl ? [true] : []

    content {}
  }

  # By default Firestore indexes every field twice; without an index in it the block means none at all.
  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes

      content {
        order        = indexes.value.order
        array_config = indexes.value.array_config
      }
    }
  }
}
