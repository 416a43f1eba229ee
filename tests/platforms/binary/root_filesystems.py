"""Root file systems without Python, and the binary in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENTER = Path(__file__).with_name("enter.sh")
NOBODY = "65534:65534"


@dataclass(frozen=True, slots=True)
class RootFilesystem:
    """A root file system, read-only except ``/tmp`` and ``/data``, which are folders of ``writable``."""

    root: Path
    writable: Path
    binary: Path

    @property
    def data(self) -> Path:
        return self.writable / "data"

    @property
    def tmp(self) -> Path:
        return self.writable / "tmp"

    def unpacked(self) -> list[Path]:
        """The entries of its /tmp."""
        return sorted(self.tmp.iterdir())

    def start(
        self,
        *arguments: str,
        program: str = "/sidecar",
        user: str = NOBODY,
        env: Mapping[str, str] | None = None,
        tmp_options: str = "",
        output: int = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start ``program`` in it; the returned process is its own, because nothing forks."""
        return subprocess.Popen(
            ["unshare", "--mount", ENTER, self.root, self.writable, user, "--", program, *arguments],
            env={
                "PATH": os.defpath + ":/usr/sbin:/sbin",
                "SIDECAR_BINARY": str(self.binary),
                "TMP_OPTIONS": tmp_options,
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, user: str = NOBODY, tmp_options: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the sidecar to its end."""
        process = self.start(*arguments, env=env, user=user, tmp_options=tmp_options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)
