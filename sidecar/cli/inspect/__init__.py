"""Commands that show the network as it is in etcd: servers, leader, members, removed, history, diff, pending.

Belongs here: reading one snapshot and printing it. Forbidden here: writing to etcd, and sending the
leader requests (`change`).
"""
