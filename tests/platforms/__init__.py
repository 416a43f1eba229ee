"""Tests that need a platform: an engine, a JVM, a cluster. `make platforms` runs them."""
