output "database" {
  description = "Name of the Firestore database."
  value       = local.database
}
