"""Documents come out whole, wherever the stream was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.adapters.etcd.watch.frames import MAX_DOCUMENT_BYTES, BadFrame, Frames

texts = st.text(max_size=20)
documents = st.dictionaries(texts, st.one_of(texts, st.integers(), st.lists(texts, max_size=3)), max_size=4)


@given(st.lists(documents, max_size=6), st.data(), st.booleans())
def test_documents_survive_any_cut(wanted: list[dict[str, Any]], data: st.DataObject, escaped: bool) -> None:
    stream = b"".join(json.dumps(each, ensure_ascii=escaped).encode() + b"\n" for each in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    decoder, found = Frames(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == wanted
    assert decoder.finish() == []


@given(documents)
def test_a_last_document_may_lack_its_newline(wanted: dict[str, Any]) -> None:
    decoder = Frames()
    assert decoder.feed(json.dumps(wanted).encode()) == []
    assert decoder.finish() == [wanted]


def test_a_document_cut_off_by_the_end_is_dropped() -> None:
    decoder = Frames()
    assert decoder.feed(b'{"a": 1}\n{"b"') == [{"a": 1}]
    assert decoder.finish() == []


@pytest.mark.parametrize("chunk", [b"<html>\n", b"[1]\n", b"\xff\xfe\n", b"{}{}\n"])
def test_what_is_no_json_object_is_a_bad_frame(chunk: bytes) -> None:
    with pytest.raises(BadFrame):
        Frames().feed(chunk)


def test_a_document_without_end_is_a_bad_frame() -> None:
    decoder = Frames()
    assert decoder.feed(b"x" * MAX_DOCUMENT_BYTES) == []
    with pytest.raises(BadFrame, match="larger than"):
        decoder.feed(b"x")
