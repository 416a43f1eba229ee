"""What commands share: their context, the parser, the snapshot of the network, output.

Belongs here: what commands of two or more groups use. Forbidden here: importing a group, and what only
one command needs.
"""
