"""The network's rules: values, and pure functions over them.

Layers, each importing only those below it: ``leader`` (what the leader writes) > ``rollout`` (who
restarts when) > ``membership`` (who may be in) > ``network`` (the leader's snapshot) and ``node`` (what
one node decides) > ``records`` (what is stored in etcd) > ``documents`` (federated.json and config.json
as text) > the ground floor beside this file.
Belongs here: anything worth arguing about.
Forbidden here: I/O, clocks, randomness, logging, async. The time is always an argument.
"""
