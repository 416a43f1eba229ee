"""What `k8s/` renders, held against the API's schemas, the restricted standard, and its own promises."""
