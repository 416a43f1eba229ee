"""Ways to ask the process next to the sidecar how it is, each a `sidecar.ports.Probe`.

Belongs here: a single check, bounded in time, whose every outcome is a `Health` with a reason that
says what was asked and what came back; and the syntax of ``--health``.
Forbidden here: how often to ask, and what to do about the answer. A check never raises.
"""
