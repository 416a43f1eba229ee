"""What a release is made of: its version, its locks, its workflows, its packages."""
