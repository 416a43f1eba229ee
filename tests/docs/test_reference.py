"""The generated pages say what the code says, and the troubleshooting page knows all of it."""

from __future__ import annotations

import ast
import re

import pytest

from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.errors import ExitCode
from sidecar.domain.records.report import Phase
from tests.docs.markdown import PROJECT
from tools.reference import PAGES
from tools.reference.log_events import collect

REFERENCE = PROJECT / "docs" / "reference"
TROUBLESHOOTING = (PROJECT / "docs" / "troubleshooting.md").read_text()
SERIOUS = sorted({each.text for each in collect() if each.level in {"warning", "error"}})


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    written = (REFERENCE / f"{name}.md").read_text()

    assert written == PAGES[name](), "`make reference` writes it again"


def test_the_page_of_settings_has_all_of_them() -> None:
    page = (REFERENCE / "settings.md").read_text()

    assert all(f"| `{setting.variable}` | `{setting.key}` |" in page for setting in ALL_SETTINGS)


@pytest.mark.parametrize("phase", Phase)
def test_troubleshooting_knows_every_phase(phase: Phase) -> None:
    assert f"| `{phase.value}` |" in TROUBLESHOOTING


@pytest.mark.parametrize("code", ExitCode)
def test_troubleshooting_knows_every_exit_code(code: ExitCode) -> None:
    assert f"| {code.value} | {code.name} |" in TROUBLESHOOTING


@pytest.mark.parametrize("event", SERIOUS)
def test_troubleshooting_knows_every_warning_and_error(event: str) -> None:
    assert f"| `{event}` |" in TROUBLESHOOTING


def test_the_page_of_the_state_folder_names_files_that_the_code_writes() -> None:
    source = "".join(path.read_text() for path in (PROJECT / "sidecar").rglob("*.py"))
    for name in re.findall(r"^\| `([\w.-]+)/?`", (REFERENCE / "state-folder.md").read_text(), re.MULTILINE):
        assert f'"{name}"' in source


def _strings_of_the_code() -> str:
    """Every string constant of the package, also the fixed parts of f-strings."""
    trees = (ast.parse(path.read_text()) for path in (PROJECT / "sidecar").rglob("*.py"))
    constants = (each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Constant))
    return "\n".join(each.value for each in constants if isinstance(each.value, str))


def test_the_messages_in_troubleshooting_are_those_of_the_code() -> None:
    quoted = re.findall(r"^\*\*`([^`]+)`\*\*", TROUBLESHOOTING, re.MULTILINE)
    quoted += re.findall(r"\*([a-z][^*`|]+)\*:", TROUBLESHOOTING)  # reasons, in the table of phases
    source = _strings_of_the_code()
    for message in quoted:
        if message not in OF_OTHER_PROGRAMS:
            assert all(part.strip() in source for part in message.split("…")), message


OF_OTHER_PROGRAMS = {"error: externally-managed-environment", "sidecar: command not found"}
