# Written by scripts/terraform-schemas.ts from shared/google/firestore-indexes.ts: what the adapter queries and lets expire.
locals {
  firestore = jsondecode(file("${path.module}/schemas/firestore.json"))
}
