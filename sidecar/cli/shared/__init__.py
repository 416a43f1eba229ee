"""What every command stands on: its context, the parser, the network's snapshot, output.

Belongs here: what commands of two or more groups use. Forbidden here: importing a group, and what one
command alone needs.
"""
