"""What a sidecar costs, and how fast a change travels: measured on a real etcd, printed as ratios.

Belongs here: one measurement in each file, a ``measure(testbed)`` that returns its figures with their floors
from the same run, and what they share. Forbidden here: anything that passes or fails. Machines differ and
get busy; a figure that missed its target is marked, and the exit code is still 0.
"""
