"""``sidecar check``: its output and its exit code."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sidecar.cli.node.check import check, main
from sidecar.cli.shared.context import CommandContext
from sidecar.domain.errors import UsageError
from sidecar.domain.identity import Role

DATA = Path(__file__).parents[2] / "data"


def run(*arguments: str, folder: Path = DATA) -> tuple[int, list[str]]:
    out = io.StringIO()
    return main(arguments, CommandContext(folder=folder, out=out)), out.getvalue().splitlines()


def test_the_example_files_are_ok() -> None:
    names = [f"fed-{number}/federated.json" for number in (1, 2, 3, 4)]
    assert run(*names, folder=DATA) == (0, [f"{DATA / name}: ok" for name in names])


def test_every_error_of_every_file_is_shown_with_its_position(tmp_path: Path) -> None:
    (tmp_path / "federated.json").write_text('{"Port": 0,\n "NodeID": 1}')
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "config-2.json").write_text('{"FederatedServers": []}')
    code, lines = run("federated.json", "config.json", "config-2.json", folder=tmp_path)
    assert code == 65
    first = f"{tmp_path / 'federated.json'}:"
    assert lines[0] == f'{first}1:1: "Mode" is missing; add "Mode": "federated"'
    assert lines[1].startswith(f'{first}1:1: "FederatedServers" is missing; add')
    assert lines[2].startswith(f"{first}1:10: /Port: 0 is out of range; must be a whole number")
    assert lines[3].startswith(f"{first}2:12: /NodeID: 1 is a number; must be a string")
    assert lines[4].startswith(f"{tmp_path / 'config.json'}:1:2: expected a key")
    assert lines[5:] == [f"{tmp_path / 'config-2.json'}: ok"]


def test_a_file_name_without_a_role_needs_the_option(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"FederatedServers": []}')
    code, lines = run("mine.json", folder=tmp_path)
    assert code == 65
    assert len(lines) == 1
    assert lines[0].startswith(f"{tmp_path / 'mine.json'}: its name does not show its role")
    assert lines[0].endswith("; add --role federated or --role database")
    assert run("--role", "database", "mine.json", folder=tmp_path)[0] == 0


def test_the_role_given_wins_over_the_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"FederatedServers": []}')
    code, lines = run("--role", "federated", "config.json", folder=tmp_path)
    assert code == 65
    assert any('"Mode" is missing' in line for line in lines)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    out = io.StringIO()
    assert check([tmp_path / "federated.json"], Role.FEDERATED, out) == 65
    assert "does not exist; create it" in out.getvalue()
    assert "--file" not in out.getvalue()  # `check` has no such option


def test_it_prints_to_the_terminal_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert check([DATA / "fed-1" / "federated.json"], None) == 0
    assert capsys.readouterr().out.endswith("federated.json: ok\n")


def test_no_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="FILE"):
        run()


def test_a_missing_file_needs_no_role(tmp_path: Path) -> None:
    code, lines = run("mine.json", folder=tmp_path)
    assert code == 65
    assert [line.partition(";")[0] for line in lines] == [f"{tmp_path / 'mine.json'}: does not exist"]
