"""Whole networks under random faults, on a virtual clock: the real loops, an etcd in memory, and an auditor.

`schedule` draws from a seed what happens to which network, `play` lets it happen (`happenings`) on the
`network`, among the `nodes`; `auditor` looks at every transaction and `processes` at every start and end,
with nothing in sight but etcd's records and the processes; `rest` says how it has to end. ``make simulate
SEEDS=1000`` tries many, ``make simulate SEED=4711`` plays one again, event by event. Forbidden here: asking
the code under test whether it did well.
"""
