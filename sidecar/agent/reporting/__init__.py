"""What this node writes about itself: its report, its request to join, its notice of a conflict.

Belongs here: one loop for each of these, all under the sidecar's lease, and the `Instance` that they share.
Forbidden here: deciding what is true of the node (``domain.node`` does), and writes about other nodes.
"""
