"""TODO: the charter of this package."""
