"""The restart contract: rules that hold for every restart driver, next to real processes.

Belongs here: the rules (`contract`), the harness that each driver needs (`harness` and its subclasses), and
the node that runs in it. Forbidden here: a rule that holds for one driver only
(`tests.adapters.restart.drivers`).
"""
