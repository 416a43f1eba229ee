"""The outside world behind the Protocols of `sidecar.ports`: one package or file for each thing talked to.

Belongs here: I/O, and its translation into the domain's values and errors.
Forbidden here: rules (``domain`` has them), one adapter importing another (``processes`` is below ``restart``
and ``probes``), settings (but the etcd adapter's own group), and foreign exceptions or types getting out.
Only ``wiring`` chooses between adapters.
"""
