"""TODO: the charter."""
