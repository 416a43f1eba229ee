"""Logs: one line an event, in both formats, without secrets, and never the end of the sidecar."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import logs

log = logging.getLogger("sidecar.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.getLogger("sidecar").setLevel(logging.NOTSET)


def written(log_format: str, message: str, /, **fields: object) -> str:
    out = io.StringIO()
    logs.configure(log_format, "info", stream=out, environ={})
    logs.event(log, logging.INFO, message, **fields)
    return out.getvalue()


def as_json(message: str, **fields: object) -> dict[str, object]:
    document: dict[str, object] = json.loads(written("json", message, **fields))
    return document


def test_a_console_line_has_time_level_message_and_fields() -> None:
    line = written("console", "restarted", version=5, why="a server joined", url="http://a:1", ok=True)

    date, time, level, rest = line.rstrip("\n").split(maxsplit=3)
    assert len(date) == len("2026-01-01")
    assert len(time) == len("12:00:00.000")
    assert level == "INFO"
    assert rest == 'restarted  version=5 why="a server joined" url=http://a:1 ok=true'


def test_lists_of_words_are_shown_with_commas() -> None:
    assert written("console", "x", servers=("http://a:1", "http://b:1")).endswith(
        "servers=http://a:1,http://b:1\n"
    )


def test_a_json_line_is_one_object_with_all_fields() -> None:
    document = as_json("restarted", version=5, path=Path("/x"), servers=("a", "b"), none=None)

    assert str(document.pop("ts")).endswith("Z")
    assert document == {
        "level": "info",
        "event": "restarted",
        "version": 5,
        "path": "/x",
        "servers": ["a", "b"],
        "none": None,
        "logger": "sidecar.test",
    }


def test_a_field_cannot_replace_a_standard_key() -> None:
    out = io.StringIO()
    logs.configure("json", "info", stream=out, environ={})

    logs.event(log, logging.INFO, "x", event="forged", level="forged", message="m")

    document = json.loads(out.getvalue())
    assert (document["event"], document["event_"], document["level_"]) == ("x", "forged", "forged")
    assert document["message"] == "m"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_value_cannot_forge_a_line_or_control_the_terminal(log_format: str) -> None:
    line = written(log_format, "edit\x1b[2J", text='a\n2026 ERROR forged\x1b[31m"\u2028\x85')

    assert line.count("\n") == 1
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_a_message_of_several_lines_is_indented() -> None:
    out = io.StringIO()
    logs.configure("console", "info", stream=out, environ={})

    logs.event(log, logging.ERROR, "first\nsecond", n=1)

    assert out.getvalue().endswith("first  n=1\n    second\n")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_secrets_are_redacted(log_format: str) -> None:
    fields: dict[str, object] = {
        "password": "hunter2",
        "auth": {"Token": "hunter2"},
        "url": "http://root:hunter2@etcd/",
    }

    line = written(log_format, "at http://root:hunter2@etcd", **fields)

    assert "hunter2" not in line
    assert "http://***@etcd/" in line


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_stays_on_its_line_without_secrets(log_format: str) -> None:
    out = io.StringIO()
    logs.configure(log_format, "info", stream=out, environ={})
    error = ValueError("http://root:hunter2@etcd")
    log.error("failed", exc_info=error)

    assert "ValueError" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_the_level_applies_to_the_sidecar_and_libraries_only_warn() -> None:
    out = io.StringIO()
    logs.configure("json", "debug", stream=out, environ={})

    log.debug("ours")
    logging.getLogger("aiohttp").info("theirs")
    logging.getLogger("aiohttp").warning("their warning")

    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["ours", "their warning"]


def test_below_the_level_nothing_is_logged() -> None:
    out = io.StringIO()
    logs.configure("json", "warning", stream=out, environ={})

    logs.event(log, logging.INFO, "x")

    assert out.getvalue() == ""


def test_configuring_again_replaces_the_handler() -> None:
    first = io.StringIO()
    logs.configure("console", "info", stream=first, environ={})

    assert written("console", "once").count("once") == 1
    assert first.getvalue() == ""


@pytest.mark.parametrize(
    ("environ", "colourful"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colour_is_for_terminals_that_want_it(environ: dict[str, str], colourful: bool) -> None:
    out = Terminal()
    logs.configure("console", "info", stream=out, environ=environ)

    logs.event(log, logging.WARNING, "x")

    assert ("\x1b[33m" in out.getvalue()) is colourful


def test_a_pipe_has_no_colour() -> None:
    assert "\x1b" not in written("console", "x")


def test_a_closed_log_pipe_stops_nothing() -> None:
    script = (
        "import logging, os\n"
        "from sidecar import logs\n"
        "logs.configure('console', 'info')\n"
        "log = logging.getLogger('sidecar')\n"
        "for n in range(3): logs.event(log, logging.INFO, 'x' * 10000)\n"
        "print('still here')\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], stderr=writer, stdout=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)

    assert (done.stdout, done.returncode) == ("still here\n", 0)
