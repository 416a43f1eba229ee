"""Commands about the node of this machine: run, gate, reload, health, check.

Belongs here: one file a command.
Forbidden here: the tables of the terminal in ``run``, which must start fast.
"""
