"""Tests of ``sidecar.domain.documents``: what is valid in the files, and edits byte for byte."""
