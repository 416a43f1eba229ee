"""What every store does, in memory and on a real etcd."""
