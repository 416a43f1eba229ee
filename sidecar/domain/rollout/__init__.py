"""The rollout of the canonical list through the network: which node restarts, and when.

Belongs here: the progress of each node, the assessment of all of them, the step that follows, what
operators ask of a rollout, and its summary for people.
Forbidden here: which nodes are in the network (``membership``), and how a process is restarted
(``adapters.restart``).
"""
