"""Every command that a document shows is run: here, as a reader types it, or by a platform suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.elsewhere import ELSEWHERE
from tests.docs.markdown import PROJECT, Command, blocks, console_commands, documents
from tests.docs.sandbox import Sandbox
from tests.docs.scenes import SCENES, Scene


def _run_elsewhere(command: Command) -> bool:
    return any(row.runs(command.text) for row in ELSEWHERE)


def _run_here(document: Path) -> list[Command]:
    return [each for each in console_commands(document) if not _run_elsewhere(each)]


# A translation shows the commands, files and output of its original, which `test_markdown` holds.
PLAYED = [each for each in documents() if _run_here(each) and not each.name.endswith(".es.md")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def sandbox(home: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(home)
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("document", PLAYED, ids=str)
def test_the_commands_of_a_document_succeed(document: Path, sandbox: Sandbox) -> None:
    scene = SCENES.get(document, Scene())
    sandbox.instead = scene.instead | sandbox.instead
    scene.begin(sandbox)

    for block in blocks(document):
        if block.title and scene.files:
            sandbox.write(sandbox.home / "federation" / block.title, block.text)
        if block.language != "console":
            continue
        if scene.files:
            sandbox.settle()  # a reader opens the next terminal when the one before says that it runs
        sandbox.goes_home()
        for command in block.commands():
            if _run_elsewhere(command):
                continue
            assert not command.root, f"{document}:{command.line}: root's commands belong to a platform suite"
            if command.text in scene.before:
                scene.before[command.text](sandbox)
            sandbox.run(command.text, *command.output)

    sandbox.settle()


@pytest.mark.parametrize("row", ELSEWHERE, ids=lambda row: row.pattern)
def test_what_runs_elsewhere_is_run_there(row: object) -> None:
    assert isinstance(row, type(ELSEWHERE[0]))
    assert row.text in (PROJECT / row.file).read_text()


@pytest.mark.parametrize("row", ELSEWHERE, ids=lambda row: row.pattern)
def test_the_table_of_elsewhere_has_no_row_without_a_command(row: object) -> None:
    assert isinstance(row, type(ELSEWHERE[0]))
    shown = (each.text for document in documents() for each in console_commands(document))
    assert any(row.runs(text) for text in shown)
