"""No format changes by accident: each is held against a kept sample, byte for byte."""

from __future__ import annotations

import importlib
import json
import re
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import sidecar
from sidecar.admin.endpoints import ENDPOINTS
from sidecar.domain.documents.validation import Kind
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.formats import FORMAT_KEY, formats_of
from sidecar.resources import schema
from sidecar.wiring.state_formats import STATE_FILES
from tests.samples.catalogue import SAMPLES, STORED
from tests.samples.outputs import COMMANDS
from tests.samples.sample import KEPT, Sample, name_of

PACKAGE = Path(sidecar.__file__).parent

NEW_FIELD = """
A field of {name} is new, or not in its sample: give it a value that is not its default in tests/samples.
If readers of format {number} may not ignore it, raise the number ({where}) and keep {kept} as it is.
"""

CHANGED = """
The format of {name} has changed. Readers of format {number} may misread it: raise the number ({where}),
list {number} there as one that is still read, keep {kept} as it is,
and write the new sample with `python -m tests.samples --write`.
(Not released yet? Then write the sample under the same number.)
"""


@pytest.fixture(params=sorted(SAMPLES))
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


@pytest.fixture(params=sorted(STORED))
def stored(request: pytest.FixtureRequest) -> Sample:
    return STORED[request.param]


def test_what_is_written_is_the_kept_sample(sample: Sample) -> None:
    assert sample.path.exists(), f"{sample.path} is missing: `python -m tests.samples --write` writes it"

    assert sample.write().decode() == sample.path.read_text("utf-8"), _hint(CHANGED, sample)


def test_the_kept_sample_is_read_back(stored: Sample) -> None:
    assert stored.read
    assert stored.read(stored.path.read_bytes()) == stored.value


def test_every_older_format_has_a_sample_and_is_read(stored: Sample) -> None:
    assert stored.read
    for number in stored.formats.older:
        assert stored.read(stored.path_of(number).read_bytes()) is not None


def test_a_stored_sample_begins_with_its_format(stored: Sample) -> None:
    document = json.loads(stored.path.read_bytes())

    assert next(iter(document.items())) == (FORMAT_KEY, stored.formats.current)


def test_no_field_of_a_stored_sample_holds_its_default(stored: Sample) -> None:
    assert list(_defaults(stored.value)) == [], _hint(NEW_FIELD, stored)


def _hint(text: str, sample: Sample) -> str:
    number, kept = sample.formats.current, sample.path.name
    return text.format(name=sample.name, number=number, where=sample.declared_in, kept=kept)


def _defaults(value: object, where: str = "") -> Iterator[str]:
    """The fields in ``value`` that a change of their name would not show in the sample."""
    if isinstance(value, tuple):
        for item in value:
            yield from _defaults(item, where)
    elif is_dataclass(value) and not isinstance(value, type) and isinstance(to_json(value), dict):
        for each in fields(value):
            held: Any = getattr(value, each.name)
            place = f"{where}/{each.name}"
            if held in (None, ()) or (each.default is not MISSING and held == each.default):
                yield place
            yield from _defaults(held, place)


# None is forgotten.


def test_every_type_with_a_format_has_a_sample() -> None:
    held = {type(each.value) for each in STORED.values()}

    assert set(_declared()) <= held


def _declared() -> Iterator[type]:
    """Every type of the package that declares the number of its format."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        if "FORMATS: ClassVar" not in text:
            continue
        module = importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
        for name in re.findall(r"^class (\w+)", text, re.MULTILINE):
            found = getattr(module, name)
            if formats_of(found):
                yield found


def test_every_record_of_etcd_declares_a_format_and_has_a_sample() -> None:
    for kind in typing.get_args(Record):
        assert formats_of(kind), f"{kind.__name__} is stored in etcd and has no FORMATS"
        assert name_of(kind) in STORED


def test_every_file_of_the_state_folder_has_a_sample() -> None:
    assert {name.removesuffix(".json") for name in STATE_FILES} | {"lock", "handover"} <= set(STORED)


def test_every_command_that_prints_json_has_a_sample() -> None:
    sources = [path.read_text("utf-8") for path in (PACKAGE / "cli").rglob("*.py")]

    assert sum('"--json"' in source for source in sources) == len(COMMANDS)


def test_status_and_metrics_have_a_sample() -> None:
    assert {"/metrics", "/api/v1/status"} <= set(ENDPOINTS)
    assert {"metrics", "status"} <= set(SAMPLES)


def test_no_sample_is_kept_of_a_format_that_nothing_reads() -> None:
    known = {each.path_of(n).name for each in SAMPLES.values() for n in each.formats.readable}

    assert {path.name for path in KEPT.iterdir()} == known


@pytest.mark.parametrize("kind", ["canonical", "policy", "report"])
def test_a_schema_accepts_the_formats_that_are_read(kind: Kind) -> None:
    part = schema(kind)["properties"][FORMAT_KEY]

    assert tuple(part.get("enum", [part.get("const")])) == SAMPLES[kind].formats.readable
