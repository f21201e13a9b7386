terraform {
  # 1.9: validations may look at other variables; mock providers in tests.
  required_version = ">= 1.9"

  required_providers {
    google = {
      source = "hashicorp/google"
      # 7.45: deletion_policy on every resource that holds data, with which `terraform destroy` leaves the data alone.
      version = ">= 7.45, < 8.0"
    }
  }
}
