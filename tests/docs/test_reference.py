"""The generated pages say what the code says, and the troubleshooting page knows all of it."""

from __future__ import annotations

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
