"""One run of the demo: builds the stage, plays the acts, tells how it went, and clears everything away."""

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
from sidecar_demo.acts import Act
from sidecar_demo.checks import Checks, Halted
from sidecar_demo.closing import Closing
from sidecar_demo.conditions import is_so
from sidecar_demo.embedded_etcd import EmbeddedEtcd, find_binary
from sidecar_demo.node import Place
from sidecar_demo.ports import port_block
from sidecar_demo.screen import Screen
from sidecar_demo.stage import NETWORK, OFFSETS, Stage
from sidecar_demo.watching import Watcher

FAILED = 1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Performance:
    """``acts`` on a network of its own, shown on ``out``."""

    out: TextIO
    environ: Mapping[str, str]
    acts: Sequence[Act]
    keep: bool = False
    etcd_binary: Path | None = None
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> int:
        """Play it all; 0 if every check passed, else 1. Whatever happens, nothing is left running."""
        binary = find_binary(self.etcd_binary, self.environ)
        folder = Path(tempfile.mkdtemp(prefix="sidecar-demo-"))
        remains = False
        try:
            with _interruptible(), port_block(OFFSETS) as base, ExitStack() as stack:
                # What is closed must be closed whole, however often somebody presses Ctrl-C.
                etcd = EmbeddedEtcd(binary, folder / "etcd")
                screen = Screen(self.out, len(self.acts))
                checks = Checks(screen)
                stage = Stage(Place(folder, etcd.url, NETWORK), base, etcd, checks, screen)
                stack.callback(_uninterrupted, stage.close, etcd.stop)
                passed = self._perform(stage)
            remains = self.keep or not passed
        finally:
            if not remains:
                shutil.rmtree(folder, ignore_errors=True)
        return ExitCode.OK if passed else FAILED

    def _perform(self, stage: Stage) -> bool:
        screen, closing = stage.screen, Closing(stage)
        screen.title(
            "A federation network, on this machine",
            f"etcd on {stage.etcd.url}, files in {stage.place.folder}",
        )
        watcher = Watcher(lambda: list(stage.nodes.values()))
        with watcher.watching(), screen.live(watcher.latest):
            stage.etcd.start()
            played = self._play(stage)
        passed = not stage.checks.failed
        closing.tell([act.title for act in self.acts[played:]], time.monotonic() - self._began)
        if self.keep:
            closing.invite()
            _wait_for_the_end()
        return passed

    def _play(self, stage: Stage) -> int:
        """Play the acts, until one cannot go on; how many were played to their end."""
        for played, act in enumerate(self.acts):
            stage.screen.act(act.title, act.story)
            try:
                act.play(stage)
            except Halted:
                return played
            except BrokenPipeError:
                raise  # nobody reads the story any more
            except Exception as exc:
                what = f"{type(exc).__name__}: {exc}"
                stage.checks.expect("the story can go on", is_so(False, what), *stage.nodes)
                return played
        return len(self.acts)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make of every signal that asks for the end what Ctrl-C is."""

    def end(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, end) for signum in _ENDING}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _uninterrupted(*steps: Callable[[], None]) -> None:
    for signum in _ENDING:
        signal.signal(signum, signal.SIG_IGN)
    with ExitStack() as stack:
        for step in reversed(steps):
            stack.callback(step)


def _wait_for_the_end() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
