"""A reader's machine: a home folder, a shell that remembers where it is, and terminals that keep running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.ports import ETCD_PORTS, PortPool

DEADLINE = 60.0
"""Seconds that a command may take, again and again where it did not succeed at once."""

_LONG_RUNNING = re.compile(r"(etcd --data-dir|\S*sidecar run)\b.*")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A program that a reader leaves running: a sidecar, an etcd."""

    command: str
    log: Path
    process: subprocess.Popen[bytes]

    def text(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass(slots=True)
class Sandbox:
    """Runs commands as they are printed, but for ``instead``: the ports, and what a reader replaces."""

    home: Path
    etcd: str = ""
    instead: dict[str, str] = field(default_factory=dict)
    terminals: list[Terminal] = field(default_factory=list)
    _ports: PortPool = field(default_factory=PortPool)
    _etcd_ports: PortPool = field(default_factory=lambda: PortPool(ETCD_PORTS))

    def __post_init__(self) -> None:
        for port in (9000, 9001, 9002, 9004, 9104, 9180, 9181, 9182, 9184, 9185, 6666):
            self.instead[str(port)] = str(self._ports.take())
        if not self.etcd:
            self.etcd = f"http://127.0.0.1:{self._etcd_ports.take()}"
        self.instead["http://127.0.0.1:2379"] = self.etcd
        self._remember(self.home)

    # What a reader does.

    def write(self, path: Path, text: str) -> None:
        """Save a file that the document shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.as_here(text) + "\n")

    def goes_home(self) -> None:
        """Open a new terminal."""
        self._remember(self.home)

    def run(self, command: str, *output: str) -> None:
        """Type ``command``: one that keeps running is left to, any other has to succeed and show ``output``.

        A reader who is too fast tries again, and so does this: what a command asks for may be under way.
        """
        command, output = self.as_here(command), tuple(map(self.as_here, output))
        if _LONG_RUNNING.fullmatch(command):
            self._open(command)
            return
        end = time.monotonic() + DEADLINE
        while (found := self._type(command)).returncode != 0 or not _shows(found.stdout, output):
            assert time.monotonic() < end, self._complaint(command, found)
            time.sleep(0.2)

    def as_here(self, text: str) -> str:
        """``text`` with what is different on this machine."""
        for printed, here in self.instead.items():
            plain = here.replace("\\", r"\\")
            text = re.sub(rf"(?<!\w){re.escape(printed)}(?!\w)", plain, text)
        return text

    # What came of it.

    def settle(self) -> None:
        """Wait until every sidecar that is left running says that its process runs."""
        end = time.monotonic() + DEADLINE
        for terminal in self.terminals:
            while " running " not in terminal.text() and "sidecar run" in terminal.command:
                assert terminal.process.poll() is None, f"{terminal.command} ended:\n{terminal.text()}"
                assert time.monotonic() < end, f"{terminal.command} does not run:\n{terminal.text()}"
                time.sleep(0.05)

    def close(self) -> None:
        """Press Ctrl-C in every terminal, the last one first, so that etcd ends last."""
        for terminal in reversed(self.terminals):
            if terminal.process.poll() is None:
                os.killpg(terminal.process.pid, signal.SIGINT)
            try:
                terminal.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(terminal.process.pid, signal.SIGKILL)
                terminal.process.wait()
        self._ports.close()
        self._etcd_ports.close()

    # The shell.

    def _open(self, command: str) -> None:
        log = self.home / f"terminal-{len(self.terminals)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"{self._exported()}\nexec {command}"],
                cwd=self._where(),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.terminals.append(Terminal(command, log, process))
        if command.startswith("etcd"):
            self._type("for _ in $(seq 100); do etcdctl endpoint health && break; sleep 0.1; done")

    def _type(self, command: str) -> subprocess.CompletedProcess[str]:
        keep = f'pwd > "{self.home}/.where"; export -p > "{self.home}/.exported"'
        return subprocess.run(
            ["bash", "-c", f"{self._exported()}\nset -e\n{command}\n{keep}"],
            cwd=self._where(),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
        )

    def _exported(self) -> str:
        exported = self.home / ".exported"
        return f'. "{exported}"' if exported.exists() else ""

    def _where(self) -> str:
        return (self.home / ".where").read_text().removesuffix("\n")

    def _remember(self, folder: Path) -> None:
        (self.home / ".where").write_text(f"{folder}\n")

    def _environment(self) -> dict[str, str]:
        """A reader's, whose defaults for ports are those of this sandbox."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("SIDECAR_", "ETCD"))}
        peer = f"http://127.0.0.1:{self._peer_port()}"
        return ours | {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SIDECAR_ETCD": self.etcd,
            "SIDECAR_ADMIN": f"127.0.0.1:{self.instead['9180']}",
            "ETCD_LISTEN_CLIENT_URLS": self.etcd,
            "ETCD_ADVERTISE_CLIENT_URLS": self.etcd,
            "ETCD_LISTEN_PEER_URLS": peer,
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
            "ETCD_INITIAL_CLUSTER": f"default={peer}",
            "ETCDCTL_ENDPOINTS": self.etcd,
            "ETCDCTL_API": "3",
        }

    def _peer_port(self) -> str:
        return self.instead.setdefault("2380", str(self._etcd_ports.take()))

    def _complaint(self, command: str, found: subprocess.CompletedProcess[str]) -> str:
        logs = (f"--- {each.command}\n{each.text()[-3000:]}" for each in self.terminals)
        return "\n".join((f"{command}: exit code {found.returncode}", found.stdout, found.stderr, *logs))


def _shows(text: str, lines: tuple[str, ...]) -> bool:
    """Whether ``text`` has each of ``lines``, in order; blanks are alike, and ``…`` stands for anything.

    The title ``WHY`` may be missing: on a terminal, `sidecar members` has no column of reasons.
    """
    patterns = (re.escape(" ".join(line.split()).removesuffix(" WHY")).replace("…", ".*") for line in lines)
    found = [" ".join(line.split()).removesuffix(" WHY") for line in text.splitlines()]
    at = 0
    for pattern in patterns:
        while at < len(found) and not re.fullmatch(pattern, found[at]):
            at += 1
        if at == len(found):
            return False
        at += 1
    return True
