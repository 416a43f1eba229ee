"""What one node decides: ``(view, now) -> decision``.

Belongs here: what a node knows (``view``), what follows from that (``facts``), what it can do
(``actions``), and the one decision (``decide``).
Forbidden here: the leader's snapshot of the network. A node decides from its own keys, its file and its
process.
"""
