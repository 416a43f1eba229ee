"""What stands next to the sidecar in the contract of restarting: programs, run on their own."""
