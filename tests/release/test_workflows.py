"""The workflow files of the public CI: what they call exists, and a release is checked first."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [path.stem for path in WORKFLOWS]
MAKE_TARGETS = set(
    re.findall(r"^([a-z0-9.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def load(name: str) -> dict[Any, Any]:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    loaded: dict[Any, Any] = yaml.safe_load(text)
    return loaded


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in load(name)["jobs"].values():
        yield from job.get("steps", [])


def commands(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


def needed(name: str, job: str) -> set[str]:
    """Return every job that has to pass before ``job`` starts."""
    needs = load(name)["jobs"][job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(name, other) for other in direct))


def test_there_is_one_for_changes_and_one_for_releases() -> None:
    assert {"ci", "release"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_they_call_exists(name: str) -> None:
    called = set(re.findall(r"^(?:\w+=\S+ )*make ([a-z0-9.-]+)", commands(name), re.MULTILINE))
    assert called
    assert called <= MAKE_TARGETS


@pytest.mark.parametrize("name", NAMES)
def test_every_file_they_name_exists(name: str) -> None:
    text = yaml.safe_dump(load(name))
    named = set(re.findall(r"(?<![\w./-])((?:tools|requirements|packaging|\.github)/[\w./-]+)", text))
    assert named
    assert [file for file in named if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_a_script_that_bash_can_read(name: str) -> None:
    for step in steps(name):
        if "run" in step:
            script = re.sub(r"\$\{\{.*?\}\}", "x", step["run"])
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("name", NAMES)
def test_no_command_is_put_together_from_what_others_wrote(name: str) -> None:
    assert "${{" not in commands(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_its_commit(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for one in used:
        assert one.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("name", NAMES)
def test_every_job_has_a_timeout_and_rights_to_read_alone(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    for label, job in workflow["jobs"].items():
        assert "timeout-minutes" in job or "uses" in job, label
        assert "permissions" not in job or label == "publish", label


def test_the_tests_run_on_every_python_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert named == load("ci")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={named[0]}"


def test_nothing_is_released_before_the_check_and_the_tests() -> None:
    jobs = load("release")["jobs"]
    assert "make release-check" in jobs["check"]["steps"][-1]["run"]
    assert needed("release", "check") == set()
    for job in set(jobs) - {"check", "ci"}:
        assert {"check", "ci"} <= needed("release", job), job
    assert needed("release", "publish") == set(jobs) - {"publish"}


def test_the_release_runs_on_a_tag_alone() -> None:
    assert load("release")[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as true


def test_the_packages_are_published_without_a_password() -> None:
    publish = load("release")["jobs"]["publish"]
    assert publish["permissions"]["id-token"] == "write"
    assert "--trusted-publishing always" in commands("release")
    assert not re.search(r"PYPI|TWINE|UV_PUBLISH", yaml.safe_dump(publish))
