# State in a bucket with versions, which also locks it. The bucket is made once by hand (terraform/README.md, "State"), and
# named when Terraform is set up: terraform init -backend-config="bucket=PROJECT-terraform-state"
terraform {
  backend "gcs" {
    prefix = "smart-backfill"
  }
}
