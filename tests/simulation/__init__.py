"""Whole networks under random faults, on a virtual clock: the real loops, an etcd in memory, and an auditor.

`schedule` draws a network and its events from a seed. `runner` applies the events (`faults`) to the
`simulated_network` and its `nodes`. `transaction_auditor` checks every transaction and `process_auditor`
every start and end of a process, from etcd's records and the processes alone; `convergence` says how it has
to end. ``make simulate SEEDS=1000`` runs many seeds, ``make simulate SEED=4711`` prints one event by event.

Forbidden here: asking the code under test whether its result is right.
"""
