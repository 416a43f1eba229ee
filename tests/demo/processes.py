"""Finds the processes of a demo."""

from __future__ import annotations

from pathlib import Path


def demo_processes_in(folder: Path) -> list[str]:
    """The commands of the processes of a demo whose own folder is in ``folder``, etcd's too."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            marked = f"FEDERATION_DEMO={folder}/".encode() in (entry / "environ").read_bytes()
        except OSError:
            continue
        if marked or f"{folder}/sidecar-demo-" in command:
            found.append(command)
    return found
