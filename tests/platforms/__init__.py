"""Tests that need a platform: an engine, a JVM, a cluster; `make platforms` runs them.

Belongs here: one folder for each platform, with what only that platform can show. A missing tool fails the
run. Forbidden here: what `make test` can show without the platform.
"""
