"""Commands that change the network by requests to the leader, and the commands for join tokens.

Belongs here: a command that writes a request or a token and waits for the result. Forbidden here:
decisions of the leader, and following a rollout (`rollout`).
"""
