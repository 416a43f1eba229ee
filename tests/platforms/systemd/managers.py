"""The systemd that runs for the tests, and units in it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.kit.waiting import wait_until

# By default without a start limit, so that no test reaches one by accident.
_UNIT = """\
[Unit]
StartLimitIntervalSec={interval}
StartLimitBurst=2

[Service]
{service}
"""


@dataclass(slots=True)
class Manager:
    """systemd's manager of the ``scope`` system or user, whose units are in ``folder``."""

    scope: str
    folder: Path
    units: list[str] = field(default_factory=list)

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        """Run ``systemctl``; its output."""
        done = subprocess.run(
            ["systemctl", f"--{self.scope}", *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"systemctl {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def install(self, name: str, service: str, *, start_limit: bool = False) -> None:
        """Install the unit ``name``; with ``start_limit`` it may start only twice within ten minutes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = _UNIT.format(service=service, interval="600" if start_limit else "0")
        (self.folder / name).write_text(text)
        if name not in self.units:
            self.units.append(name)
        self.systemctl("daemon-reload")

    def show(self, name: str, *properties: str) -> list[str]:
        """The values of the unit's ``properties``."""
        return [self.systemctl("show", "--value", f"--property={one}", name) for one in properties]

    def pid(self, name: str) -> int:
        """The pid of its main process; 0 if there is none."""
        return int(self.show(name, "MainPID")[0])

    def active(self, name: str) -> str:
        """Its ActiveState."""
        return self.show(name, "ActiveState")[0]

    def wait_for_state(self, name: str, state: str) -> None:
        """Wait until the unit's ActiveState is ``state``."""
        wait_until(lambda: self.active(name) == state, f"{name} is {state}")

    def clear(self) -> None:
        """Stop and remove everything that was installed."""
        for name in self.units:
            # Replaces a waiting job. Then what hangs is killed, repeatedly in case it is started again.
            self.systemctl("stop", "--no-block", name, check=False)
            wait_until(partial(self._gone, name), f"{name} is gone")
            self.systemctl("reset-failed", name, check=False)
            (self.folder / name).unlink(missing_ok=True)
        self.units.clear()
        self.systemctl("daemon-reload")

    def _gone(self, name: str) -> bool:
        self.systemctl("kill", "--signal=SIGKILL", name, check=False)
        return self.active(name) in ("inactive", "failed")
