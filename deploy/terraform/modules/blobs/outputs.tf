output "bucket_names" {
  description = "Names of the buckets blobs, archive and access."
  value       = { for use, bucket in aws_s3_bucket.this : use => bucket.bucket }
}

output "bucket_arns" {
  description = "ARNs of the buckets blobs, archive and access."
  value       = { for use, bucket in aws_s3_bucket.this : use => bucket.arn }
}
