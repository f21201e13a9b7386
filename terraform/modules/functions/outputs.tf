output "endpoints" {
  description = "Address of each function, by its name."
  value       = { for name, function in google_cloudfunctions2_function.this : name => function.service_config[0].uri }
}

output "service_names" {
  description = "Name of each function's Cloud Run service, by the function's name: what its logs are found by."
  value       = { for name, function in google_cloudfunctions2_function.this : name => function.name }
}

output "members" {
  description = "IAM member of each function's service account, by the function's name."
  value       = { for name, account in google_service_account.function : name => "serviceAccount:${account.email}" }
}

output "push_service_account_email" {
  description = "The identity whose token the pushes carry."
  value       = google_service_account.push.email
}

output "environment" {
  description = "The environment that every function has."
  value       = local.environment
}
