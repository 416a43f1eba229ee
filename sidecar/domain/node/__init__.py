"""What one node decides: ``(view, now) -> decision``.

Belongs here: what a node knows (``view``), how that changes (``changes``), what follows from it (``facts``),
what a node can do (``actions``), and the one decision (``decide``).
Forbidden here: the leader's snapshot of the network. A node decides from its own keys, its file and its
process.
"""
