"""One run of the demo: it builds the network, runs the steps, reports, and cleans up."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from sidecar.domain.errors import ExitCode
from sidecar_demo.checks import Checks, DemoAborted
from sidecar_demo.conditions import holds
from sidecar_demo.embedded_etcd import EmbeddedEtcd, find_binary
from sidecar_demo.network import NETWORK, OFFSETS, DemoNetwork
from sidecar_demo.node import Workspace
from sidecar_demo.poller import NodePoller
from sidecar_demo.ports import port_block
from sidecar_demo.run_report import RunReport
from sidecar_demo.screen import Screen
from sidecar_demo.steps import Step

FAILED = 1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class DemoRunner:
    """``steps`` on a network of its own, shown on ``out``."""

    out: TextIO
    environ: Mapping[str, str]
    steps: Sequence[Step]
    keep: bool = False
    etcd_binary: Path | None = None
    _started_at: float = field(default_factory=time.monotonic)

    def run(self) -> int:
        """Run the demo; return 0 if every check passed, 1 if not. No process is left running."""
        binary = find_binary(self.etcd_binary, self.environ)
        folder = Path(tempfile.mkdtemp(prefix="sidecar-demo-"))
        keep_folder = False
        try:
            with _interruptible(), port_block(OFFSETS) as base, ExitStack() as stack:
                # Clean up completely, however often Ctrl-C is pressed.
                etcd = EmbeddedEtcd(binary, folder / "etcd")
                screen = Screen(self.out, len(self.steps))
                checks = Checks(screen)
                network = DemoNetwork(Workspace(folder, etcd.url, NETWORK), base, etcd, checks, screen)
                stack.callback(_without_interruption, network.close, etcd.stop)
                passed = self._run_demo(network)
            keep_folder = self.keep or not passed
        finally:
            if not keep_folder:
                shutil.rmtree(folder, ignore_errors=True)
        return ExitCode.OK if passed else FAILED

    def _run_demo(self, network: DemoNetwork) -> bool:
        screen, report = network.screen, RunReport(network)
        screen.title(
            "A federation network on this machine",
            f"etcd on {network.etcd.url}, files in {network.workspace.folder}",
        )
        poller = NodePoller(lambda: list(network.nodes.values()))
        with poller.polling(), screen.live(poller.latest):
            network.etcd.start()
            completed = self._run_steps(network)
        passed = not network.checks.failed
        report.print_summary(
            [step.title for step in self.steps[completed:]], time.monotonic() - self._started_at
        )
        if self.keep:
            report.print_instructions()
            _wait_for_signal()
        return passed

    def _run_steps(self, network: DemoNetwork) -> int:
        """Run the steps until one cannot continue; return the number of completed steps."""
        for completed, step in enumerate(self.steps):
            network.screen.begin_step(step.title, step.description)
            try:
                step.run(network)
            except DemoAborted:
                return completed
            except BrokenPipeError:
                raise  # the reader of the output has ended
            except Exception as exc:
                what = f"{type(exc).__name__}: {exc}"
                network.checks.expect("the demo can continue", holds(False, what), *network.nodes)
                return completed
        return len(self.steps)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat every termination signal as Ctrl-C."""

    def end(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, end) for signum in _STOP_SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _without_interruption(*steps: Callable[[], None]) -> None:
    for signum in _STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    with ExitStack() as stack:
        for step in reversed(steps):
            stack.callback(step)


def _wait_for_signal() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
