"""The network's rules: values, and pure functions over them.

Layers, each importing only those below it: ``leader`` (what the leader writes) > ``rollout`` (which node
restarts when) > ``membership`` (which nodes may be in) > ``network`` (the leader's snapshot) and ``node``
(what one node decides) > ``records`` (what is stored in etcd) > ``documents`` (federated.json and config.json
as text) > the modules beside this file.
Belongs here: every decision.
Forbidden here: I/O, clocks, randomness, logging, async. The time is always an argument.
"""
