"""What a repository host reads: issue forms and the pull-request template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_asks_for_something(form: Path) -> None:
    loaded = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= loaded.keys()
    fields = [field for field in loaded["body"] if field["type"] != "markdown"]
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


@pytest.mark.parametrize(
    "page", ["SECURITY.md", "STYLE.md", "CONTRIBUTING.md", ".github/pull_request_template.md"]
)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z0-9.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z0-9.-]+)", text)) <= set(targets)


@pytest.mark.parametrize("page", ["SECURITY.md", "STYLE.md", "CONTRIBUTING.md"])
def test_every_file_that_a_page_links_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in linked if not (ROOT / link).exists()] == []
