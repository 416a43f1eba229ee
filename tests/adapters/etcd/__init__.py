"""What only a real etcd can show."""
