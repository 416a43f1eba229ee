"""What a command uses of its surroundings, in one value that tests replace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from sidecar.config import EtcdSettings, Settings
from sidecar.ports import Store

StoreOpener = Callable[[EtcdSettings], AbstractAsyncContextManager[Store]]


def _run(settings: Settings, load: Callable[[], Settings]) -> int:
    from sidecar.wiring import run  # noqa: PLC0415 - only `sidecar run` needs the adapters

    return run(settings, load)


def _gate(settings: Settings, timeout: float) -> None:
    from sidecar.wiring import gate  # noqa: PLC0415 - only `sidecar gate` needs the adapters

    gate(settings, timeout)


def _open_store(settings: EtcdSettings) -> AbstractAsyncContextManager[Store]:
    from sidecar.wiring import open_store  # noqa: PLC0415 - only commands that talk to etcd need it

    return open_store(settings)


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The environment, the terminal and the adapters; the real ones by default."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    open_store: StoreOpener = _open_store
    run: Callable[[Settings, Callable[[], Settings]], int] = _run
    gate: Callable[[Settings, float], None] = _gate
