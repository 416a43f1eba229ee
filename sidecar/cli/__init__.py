"""The command line: one file a command, and what they share.

A command is a module with ``main(argv, context) -> int``, imported when it is asked for: ``sidecar run``
loads nothing of the others. Belongs here: reading the command line, and showing results to people
and to scripts. Forbidden here: rules of the network (``domain``), talking to etcd but through
`sidecar.ports.Store`, and touching the environment or the terminal but through `CommandContext`.
"""
