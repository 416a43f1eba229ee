"""Commands that show the network and change nothing.

Belongs here: one file a command, and the text that it prints.
Forbidden here: writing to etcd.
"""
