"""Whole networks under random faults, on a virtual clock: the real loops, an etcd in memory, and an auditor.

`schedule` draws from a seed what happens to which network, `play` lets it happen to the `nodes`, `auditor` and
`turns` hold what must never happen, looking at etcd and at the processes alone, `rest` says how it has to end.
``make simulate SEEDS=1000`` tries many, ``make simulate SEED=4711`` plays one again, event by event.
Forbidden here: asking the code under test whether it did well.
"""
