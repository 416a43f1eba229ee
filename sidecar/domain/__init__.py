"""What the network's rules are: values and pure functions over them.

Belongs here: anything worth arguing about (what equals what, who may join, who restarts when), the only
codec of etcd values (``records``) and the only speller of etcd keys (``keys``).
Forbidden here: I/O, clocks, logging, async. The time is always an argument.
"""
