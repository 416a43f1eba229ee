"""What every command stands on: its context, its parser, its output, and a snapshot of the network.

Belongs here: what at least two groups of commands use.
Forbidden here: importing a command.
"""
