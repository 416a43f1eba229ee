"""The command line: one file a verb, and what they share.

A verb is a module with ``main(argv, world) -> int``, imported when it is asked for: ``sidecar run``
loads nothing of the others. Belongs here: reading the command line, and showing results to people
and to scripts. Forbidden here: rules of the network (``domain``), talking to etcd but through
`sidecar.ports.Store`, and touching the environment or the terminal but through `World`.
"""
