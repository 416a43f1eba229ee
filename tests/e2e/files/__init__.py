"""Configuration files: the check before a start, edits, and records that cannot be trusted.

Belongs here: each of these end to end.
Forbidden here: what the domain decides about a document (`tests.domain.documents`).
"""
