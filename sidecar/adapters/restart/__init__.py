"""The process next to the sidecar: a way of launching it a file, each a `sidecar.ports.Process`.

Belongs here: how a process is started, stopped, found again and seen to die; what is saved of
it for the next execution of the sidecar. All of it is stopped, not only the process that was launched,
and nothing of an earlier start keeps running at the next one: two copies never share a port.
Forbidden here: whether it should run (``domain.node`` decides that), and one driver importing
another.
"""
