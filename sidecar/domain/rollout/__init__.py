"""Who restarts when: the rollout of the canonical list through the network.

Belongs here: the progress of each node, the assessment of all of them, the step that follows, what
operators ask of a rollout, and its summary for people.
Forbidden here: who is in the network (``membership``), and how a process is restarted
(``adapters.restart``).
"""
