"""The files of the state folder, and what a sidecar hands over when it re-executes itself."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from sidecar.adapters.files.lock import Holder, write_holder
from sidecar.adapters.files.state_folder import LAST_KNOWN_GOOD_FORMATS, LocalStateFolder
from sidecar.adapters.restart.saved_state import (
    LaunchRecord,
    LoadedRecord,
    StateFile,
    launch_record_file,
    loaded_record_file,
)
from sidecar.domain.records.codec import from_json, to_json
from sidecar.wiring.reexec import Handover
from tests.samples.records import BOTH
from tests.samples.sample import Sample

LAUNCHED = LaunchRecord(
    pid=4711,
    start_ticks=123456,
    boot_id="5c1f9f0e-0000-4000-8000-000000000001",
    session_id=4710,
    argv=("/srv/fed-1/run.sh", "--port", "9000"),
    loaded=BOTH,
    session_start_ticks=123450,
)
LOADED = LoadedRecord("docker:3f2a", BOTH)
HOLDER = Holder(pid=4700, execution_id="0a1b2c3d", refusals=1, last_refusal="network: would be another")
HANDOVER = Handover(
    pid=4700,
    instance="5f0c3a9e",
    lock=7,
    listener=8,
    lease=99,
    failed_starts=1,
    admin_address="127.0.0.1:9180",
)


def local_samples() -> list[Sample]:
    """A sample of each file, and of the handover."""
    return [
        Sample(
            name="last-known-good",
            formats=LAST_KNOWN_GOOD_FORMATS,
            declared_in="LAST_KNOWN_GOOD_FORMATS",
            value=(7, BOTH),
            write=_write_last_known_good,
            read=_read_last_known_good,
        ),
        _of_state_file("child-process", LAUNCHED, launch_record_file),
        _of_state_file("external-process", LOADED, loaded_record_file),
        Sample("lock", Holder.FORMATS, "Holder.FORMATS", HOLDER, _write_lock, partial(_read, Holder)),
        Sample(
            name="handover",
            formats=Handover.FORMATS,
            declared_in="Handover.FORMATS",
            value=HANDOVER,
            write=lambda: json.dumps(to_json(HANDOVER)).encode(),
            read=partial(_read, Handover),
        ),
    ]


def _of_state_file(
    name: str, value: LaunchRecord | LoadedRecord, file_in: Callable[[Path], StateFile[Any]]
) -> Sample:
    path = f"{name}.json"

    def write() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file_in(Path(folder)).write(value)
            return (Path(folder) / path).read_bytes()

    def read(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / path).write_bytes(data)
            return file_in(Path(folder)).read()

    return Sample(name, value.FORMATS, f"{type(value).__name__}.FORMATS", value, write, read)


def _write_last_known_good() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(LocalStateFolder(Path(folder), "federated.json").save_last_known_good, 7, BOTH)
        return (Path(folder) / "last-known-good.json").read_bytes()


def _read_last_known_good(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "last-known-good.json").write_bytes(data)
        return anyio.run(LocalStateFolder(Path(folder), "federated.json").load_last_known_good)


def _write_lock() -> bytes:
    with tempfile.TemporaryFile() as file:
        write_holder(file.fileno(), HOLDER)
        return os.pread(file.fileno(), 4096, 0).rstrip()


def _read(kind: type, data: bytes) -> object:
    return from_json(kind, json.loads(data))
