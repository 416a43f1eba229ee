"""Servers and database nodes that join, are admitted, removed and readmitted.

Belongs here: each of these end to end. Forbidden here: how restarts are ordered (`rollouts`).
"""
