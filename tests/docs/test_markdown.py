"""Links lead somewhere, samples are valid, translations show the same, and commands in sentences exist."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sidecar.domain.documents.validation import find_problems
from tests.docs.markdown import PROJECT, blocks, console_commands, documents, inline_code, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_REASON = re.compile(r'(?<= --reason )".*"')  # what an operator writes is in the reader's language
_TRANSLATED = [each for each in documents() if each.suffixes == [".es", ".md"]]


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (PROJECT / document).parent / target if target else PROJECT / document
        assert path.exists(), f"{document}: {link}"
        assert not anchor or anchor in _anchors(path), f"{document}: {link}"


@pytest.mark.parametrize("folder", ["compose", "java", "k8s", "systemd"])
def test_the_readme_of_a_folder_links_to_its_guide(folder: str) -> None:
    links = _LINK.findall(prose(Path(folder, "README.md")))
    assert any(link.startswith("../docs/how-to/") for link in links)


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_sample_of_json_and_toml_is_valid(document: Path) -> None:
    for block in blocks(document):
        if block.language == "json":
            json.loads(block.text)
        if block.language == "toml":
            # Also what is switched off: a line that is a key or a section behind its `#`.
            switched_on = re.sub(r"^# (?=\[|\w+ = )", "", block.text, flags=re.MULTILINE)
            for text in (block.text, switched_on):
                assert list(find_problems("sidecar", tomllib.loads(text))) == [], f"{document}:{block.line}"


@pytest.mark.parametrize("document", _TRANSLATED, ids=str)
def test_a_translation_shows_the_same_commands_and_files(document: Path) -> None:
    original = document.with_name(document.name.replace(".es.md", ".md"))

    ours, theirs = (
        [(_REASON.sub("", each.text), each.output) for each in console_commands(d)]
        for d in (document, original)
    )
    assert ours == theirs
    assert [b.text for b in blocks(document) if b.language == "json"] == [
        b.text for b in blocks(original) if b.language == "json"
    ]
    inline = [[c for c in inline_code(d) if c.startswith("sidecar ")] for d in (document, original)]
    assert inline[0] == inline[1]


@functools.cache
def _help(*words: str) -> str:
    line = [sys.executable, "-m", "sidecar", *words, "--help"]
    found = subprocess.run(line, capture_output=True, text=True, cwd=PROJECT, check=False)
    return found.stdout if found.returncode == 0 else ""


def _check_exists(command: str, where: str) -> None:
    """The verb and the options of ``command`` are in its own help."""
    words = shlex.split(command.replace("…", "").replace("|", " | "))[1:]
    ends = [words.index(each) for each in ("--", "|", "&&", ">") if each in words]
    words = words[: min(ends, default=len(words))]
    group = words[0] in {"rollout", "policy", "token"} and len(words) > 1 and not words[1].startswith("-")
    shown = _help(*words[: 2 if group else 1])
    assert shown, f"{where}: `{command}`"
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert option in shown or option in {"--help", "--version"}, f"{where}: `{command}`"


@pytest.mark.parametrize("document", documents(), ids=str)
def test_commands_in_sentences_name_verbs_and_options_that_exist(document: Path) -> None:
    for code in inline_code(document):
        if re.match(r"sidecar [a-z]+\b", code):
            _check_exists(code, str(document))


def test_the_examples_of_the_help_name_options_that_exist() -> None:
    page = Path("docs/reference/command-line.md")
    for block in blocks(page):
        for example in re.findall(r"^  (sidecar [a-z]+ .*)$", block.text, re.MULTILINE):
            _check_exists(example, f"{page}:{block.line}")


def test_every_file_on_the_map_exists() -> None:
    """Names without a folder are in the folder of the one before them, in the same line."""
    architecture = Path("docs/explanation/architecture.md")
    for line in prose(architecture).splitlines():
        folder = PROJECT
        for name in re.findall(r"`([\w./]+(?:\.py|\.json|/))`", line):
            path = PROJECT / name if name.startswith(_ROOMS) else folder / name
            assert path.exists(), f"{architecture}: {name}"
            folder = path.parent


_ROOMS = ("sidecar/", "schemas/", "tests/", "tools/", "docs/")


@pytest.mark.parametrize("document", documents(), ids=str)
def test_files_and_make_targets_in_sentences_exist(document: Path) -> None:
    targets = re.findall(r"^([\w.-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    for code in inline_code(document):
        if re.fullmatch(r"[\w./-]+", code) and code.startswith(_ROOMS):
            assert (PROJECT / code).exists(), f"{document}: `{code}`"
        if made := re.match(r"make ([a-z][\w.-]*)", code):
            assert made[1] in targets, f"{document}: `{code}`"
