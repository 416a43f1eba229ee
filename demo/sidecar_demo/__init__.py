"""A whole network on this machine, with every step checked.

The demo is data, a tuple of `steps`; each step is a small function of a `DemoNetwork`, which starts and stops
real sidecars, and whose `Checks` record which conditions hold. Conditions look only at the outside: the
files, the event logs of the processes, the admin APIs. A `Screen` shows the results.

Belongs here: the demo, and how to show it. Forbidden here: anything that the product needs, passing a check
without evaluating it, waiting for a time instead of a condition, and
the command line (``sidecar.cli.demo`` is its command).
"""
