"""The command line: one module for each command, and what they share.

A command is a module with ``main(argv, context) -> int``, imported when it is used: ``sidecar run``
imports no other command. Belongs here: reading the command line, and showing results to people
and to scripts. Forbidden here: rules of the network (``domain``), talking to etcd other than through
`sidecar.ports.Store`, and using the environment or the terminal other than through `CommandContext`.
"""
