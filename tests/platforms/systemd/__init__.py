"""The systemd driver and the shipped units, in a systemd that `tools/test-systemd` boots for these tests.

Belongs here: what needs a running systemd. Forbidden here: tests that touch the machine's own systemd.
"""
