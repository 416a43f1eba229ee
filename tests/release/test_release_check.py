"""`make release-check`: which tree may go out as a release, and what it says about one that may not."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sidecar import __version__
from tests.release.scratch import ROOT, Scratch
from tools.release import Tree, check, check_copies, notes, set_version

TODAY = date(2026, 3, 1)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


def complaints(scratch: Scratch, capsys: pytest.CaptureFixture[str], tag: str = "") -> str:
    """Return what is said about a tree that must be refused."""
    assert check(scratch.tree, tag, TODAY) == 1
    return capsys.readouterr().err


def test_a_tree_that_is_ready_says_how_to_tag_it(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(scratch.tree, "", TODAY) == 0
    assert capsys.readouterr().out == "1.2.0 can be released; to tag it: git tag -a v1.2.0 -m 1.2.0\n"


@pytest.mark.parametrize("tag", ["", "v1.2.0"])
def test_a_tagged_commit_is_ready(scratch: Scratch, tag: str, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.git("tag", "v1.1.0")
    scratch.commit()
    scratch.git("tag", "-a", "v1.2.0", "-m", "1.2.0")
    assert check(scratch.tree, tag, TODAY) == 0
    assert "the tag, the version and the changelog agree" in capsys.readouterr().out


def test_a_release_candidate_is_a_version(scratch: Scratch) -> None:
    assert set_version(scratch.tree, "1.3.0rc1") == 0
    scratch.replace("CHANGELOG.md", "## 1.2.0 - 2026-03-01", "## 1.3.0rc1 - 2026-03-01")
    scratch.commit()
    assert check(scratch.tree, "", TODAY) == 0


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("Dockerfile", "VERSION=1.2.0", "VERSION=1.1.0"),
        ("demo/pyproject.toml", 'version = "1.2.0"', 'version = "1.1.0"'),
        ("demo/pyproject.toml", "sidecar==1.2.0", "sidecar==1.1.0"),
        ("pyproject.toml", "demo==1.2.0", "demo==1.1.0"),
        ("k8s/base/fed.yaml", "sidecar:1.2.0", "sidecar:1.1.0"),
        ("k8s/overlays/production/kustomization.yaml", "1.2.0", "1.1.0"),
        ("java/hot-reload/pom.xml", "1.2.0", "1.1.0"),
    ],
)
def test_a_copy_of_the_version_that_differs_is_named(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str
) -> None:
    scratch.replace(file, old, new)
    scratch.commit()
    assert f"{file}: the version is 1.1.0, but 1.2.0 in sidecar/__init__.py" in complaints(scratch, capsys)


def test_a_file_that_lost_its_copy_is_named(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.replace("Dockerfile", "ARG VERSION=1.2.0", "ARG VERSION")
    (scratch.root / "java/pom.xml").unlink()
    scratch.commit()
    said = complaints(scratch, capsys)
    assert "Dockerfile: no version found; expected 1.2.0" in said
    assert "java/pom.xml: no version found; expected 1.2.0" in said


def test_a_source_without_a_version_is_named(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.write("sidecar/__init__.py", '__version__ = "soon"\n')
    scratch.commit()
    assert "sidecar/__init__.py: no version found" in complaints(scratch, capsys)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## 1.2.0 - 2026-03-01", "## 1.2.0", "no dated section for 1.2.0; add: ## 1.2.0 - 2026-03-01"),
        ("## 1.2.0 - 2026-03-01", "## 1.3.0 - 2026-03-01", "no dated section for 1.2.0"),
        ("2026-03-01", "2026-02-30", "2026-02-30 is not a date"),
        ("2026-03-01", "2026-03-03", "1.2.0 is dated 2026-03-03, which is in the future"),
        ("## Unreleased\n", "", "no section Unreleased at the top"),
        ("## Unreleased\n", "## Unreleased\n\n- More.\n", "Unreleased is not empty"),
        ("### Added\n\n- A thing.\n", "", "the section of 1.2.0 is empty"),
        ("## 1.2.0", "## 1.3.0 - 2026-03-01\n\n- x\n\n## 1.2.0", "1.3.0 stands above 1.2.0"),
    ],
)
def test_a_changelog_that_was_not_cut_is_refused(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    scratch.replace("CHANGELOG.md", old, new)
    scratch.commit()
    assert f"CHANGELOG.md: {said}" in complaints(scratch, capsys)


def test_a_section_that_holds_headings_alone_is_empty(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    scratch.replace("CHANGELOG.md", "- A thing.\n", "")
    scratch.commit()
    assert "the section of 1.2.0 is empty" in complaints(scratch, capsys)


@pytest.mark.parametrize("file", ["Dockerfile", "new.txt"])
def test_a_dirty_tree_is_refused(scratch: Scratch, capsys: pytest.CaptureFixture[str], file: str) -> None:
    with (scratch.root / file).open("a", encoding="utf-8") as out:
        out.write("# more\n")
    assert f"git: the tree is dirty; commit or remove: {file}" in complaints(scratch, capsys)


def test_a_tag_of_another_version_is_refused(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.git("tag", "v1.3.0")
    assert "this commit has the tag v1.3.0, but the version is 1.2.0" in complaints(scratch, capsys)
    assert "the tag is v1.3.0, but the version is 1.2.0" in complaints(scratch, capsys, "v1.3.0")


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "release-1.2.0"])
def test_a_tag_of_another_form_is_refused(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    scratch.git("tag", tag)
    assert f"the tag is {tag}, but the version is 1.2.0 (tag v1.2.0)" in complaints(scratch, capsys, tag)


def test_a_tag_that_is_elsewhere_is_refused(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the tag v1.2.0 does not point at this commit" in complaints(scratch, capsys, "v1.2.0")
    scratch.git("tag", "v1.2.0")
    scratch.commit()
    assert "1.2.0 is released; raise the version" in complaints(scratch, capsys)


def test_a_folder_without_git_is_refused(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    (scratch.root / ".git").rename(scratch.root / "not-git")
    assert "git: no commit here" in complaints(scratch, capsys)


def test_the_command_exits_with_1_where_it_refuses(scratch: Scratch) -> None:
    program = str(ROOT / "tools/release.py")
    command = [sys.executable, program, "--root", str(scratch.root), "check", "--tag", "v9.9.9"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Not ready to be released:\n")


def test_the_notes_are_those_of_this_version(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    assert notes(scratch.tree) == 0
    assert capsys.readouterr().out == "### Added\n\n- A thing.\n"


def test_a_word_that_is_no_version_is_not_set(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    assert set_version(scratch.tree, "2.0") == 1
    assert "2.0 is not a version" in capsys.readouterr().err
    assert scratch.tree.version() == "1.2.0"


def test_every_copy_in_this_tree_agrees() -> None:
    assert list(check_copies(Tree(ROOT))) == []
    assert Tree(ROOT).version() == __version__


def test_this_changelog_has_a_section_for_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert notes(Tree(ROOT)) == 0
    assert capsys.readouterr().out.startswith("### Added")
