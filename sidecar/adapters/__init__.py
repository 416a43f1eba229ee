"""The outside world behind the Protocols of `sidecar.ports`: one package or file for each thing talked to.

Here belongs I/O and its translation into the domain's values and errors. Forbidden: rules (they are
the domain's), one adapter importing another, and any foreign exception or type getting out.
``wiring`` alone chooses between adapters.
"""
