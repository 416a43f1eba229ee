"""The process next to the sidecar: a way of launching it a file, each a `sidecar.ports.Process`.

Belongs here: how a process is started, stopped, found again and seen to die; what is remembered of
it for the next life of the sidecar. All of it is stopped, not only the process that was launched,
and nothing of a former start lives on when the next one happens: two copies never share a port.
Forbidden here: whether it should run (``domain.node`` decides that), and one driver importing
another.
"""
