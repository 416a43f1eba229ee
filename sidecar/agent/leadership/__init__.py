"""Leading the network: the lease, the election under it, and the leader's loop.

Belongs here: what runs only while this sidecar holds a lease and, in it, the leadership.
Forbidden here: the leader's rules (``domain.leader`` has them), and writes without the fence of a term.
"""
