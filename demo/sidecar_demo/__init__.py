"""A whole network at work on this machine, every step of it checked.

The demo is data, a tuple of `steps`; each step is a small function of a `DemoNetwork`, which starts and stops
real sidecars, and whose `Checks` record what holds and what does not. What holds is asked of the outside
alone: the files, the processes' own event logs, the admin APIs. What is recorded, a `Screen` shows.

Belongs here: the demo, and how to show it. Forbidden here: anything the product needs, passing a check
without having looked, waiting for a time instead of a condition, and
the command line (``sidecar.cli.demo`` is its command).
"""
