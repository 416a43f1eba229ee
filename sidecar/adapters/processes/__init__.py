"""Processes of this machine: launched into a session, watched by a pidfd, ended whole.

Belongs here: what every adapter that launches something shares (the process next to the sidecar, a
probe's command). Everything that the sidecar launches goes through `launch`, so that its exit
status is never reaped by somebody else.
Forbidden here: when to start or stop anything.
"""
