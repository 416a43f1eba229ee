"""`sidecar policy edit`: the editor is opened until the policy is valid."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.network import Shell
from tests.cli.policy.test_policy import POLICY, network, raced, written

Editor = Callable[..., dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of temporary files."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    return scratch


@pytest.fixture
def editor(tmp_path: Path, folder: Path) -> Editor:
    """Makes the environment of an editor that writes each of ``texts`` in turn, and then always the last.

    What it was given goes to given-1, given-2...; the file's mode to mode.
    """
    script = tmp_path / "editor.py"
    script.write_text(
        "import json, os, pathlib, sys\n"
        "here, file = pathlib.Path(__file__).parent, pathlib.Path(sys.argv[-1])\n"
        "turn = len(list(here.glob('given-*')))\n"
        "(here / f'given-{turn + 1}').write_bytes(file.read_bytes())\n"
        "(here / 'mode').write_text(str(file.stat().st_mode))\n"
        "texts = json.loads((here / 'texts').read_text())\n"
        "text = texts[min(turn, len(texts) - 1)]\n"
        "text is None or file.write_bytes(text.encode('latin-1'))\n"
    )

    def make(*texts: str | None, variable: str = "EDITOR") -> dict[str, str]:
        (tmp_path / "texts").write_text(json.dumps(texts))
        command = shlex.join([sys.executable, "-I", "-S", str(script)])
        return {variable: command, "TMPDIR": str(folder)}

    return make


def edit(
    policy: Any, environ: dict[str, str], *argv: str, terminal: bool = False
) -> tuple[Shell, int, str, str]:
    shell = network(policy)
    shell.environ, shell.terminal = environ, terminal
    return shell, *shell("policy", "edit", *argv)


def test_the_edited_policy_is_written_and_the_changes_shown(
    editor: Editor, tmp_path: Path, folder: Path
) -> None:
    shell, code, out, err = edit({"history": 5, "new": 1}, editor('{"history": 6, "new": 1}'))

    assert (code, err) == (0, "")
    assert '-  "history": 5,\n+  "history": 6,\n' in out
    assert written(shell) == {"format": 1, "history": 6, "new": 1}
    assert (tmp_path / "given-1").read_text() == '{\n  "history": 5,\n  "new": 1\n}\n'
    assert stat.S_IMODE(int((tmp_path / "mode").read_text())) == 0o600
    assert list(folder.iterdir()) == []


def test_visual_wins_over_editor(editor: Editor) -> None:
    environ = {"EDITOR": "false", **editor('{"history": 6}', variable="VISUAL")}

    assert written(edit(None, environ)[0]) == {"format": 1, "history": 6}


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "already has these values"), ("", "the text was empty"), ("# hm\n\n", "the text was empty")],
)
def test_an_unchanged_or_empty_text_changes_nothing(
    editor: Editor, folder: Path, text: str | None, said: str
) -> None:
    shell, code, out, _ = edit({"history": 5}, editor(text))

    assert code == 0
    assert out.startswith("no change: ")
    assert said in out
    assert written(shell) == {"history": 5}
    assert list(folder.iterdir()) == []


def test_a_dry_run_writes_nothing(editor: Editor) -> None:
    shell, code, out, _ = edit({"history": 5}, editor('{"history": 6}'), "--dry-run")

    assert code == 0
    assert '+  "history": 6' in out
    assert written(shell) == {"history": 5}


def test_at_a_terminal_an_invalid_policy_is_opened_again_with_its_errors(
    editor: Editor, tmp_path: Path
) -> None:
    texts = ('{\n"history": 0}', '{"history": 1', '{"history": 8}\n# done')
    shell, code, _, _ = edit({"history": 5}, editor(*texts), terminal=True)

    assert code == 0
    assert written(shell) == {"format": 1, "history": 8}
    second, third = ((tmp_path / f"given-{turn}").read_text() for turn in (2, 3))
    assert second.startswith('{\n"history": 0}\n# The policy is invalid.')
    assert "# policy.json:2:12: /history: 0 is out of range" in second
    assert third.startswith('{"history": 1\n# The policy is invalid.')
    assert third.count("#") == 2


def test_at_a_terminal_an_unchanged_invalid_policy_gives_up(editor: Editor, folder: Path) -> None:
    shell, code, out, err = edit({"history": 5}, editor('{"history": 0}', None), terminal=True)

    assert (code, out) == (65, "")
    assert "policy.json:1:13: /history: 0 is out of range" in err
    assert written(shell) == {"history": 5}
    (kept,) = folder.rglob("policy.json")
    assert f"your text is kept in {kept}" in err


def test_without_a_terminal_an_invalid_policy_fails_immediately(editor: Editor, tmp_path: Path) -> None:
    shell, code, out, err = edit(None, editor('{"rollout": {"budget": {"restarts": "x"}}}'))

    assert (code, out) == (65, "")
    assert 'policy.json:1:24: /rollout/budget/restarts: "x" is a string' in err
    assert POLICY not in shell.records_after
    assert not (tmp_path / "given-2").exists()


@pytest.mark.parametrize("text", ['{"history": 1, "history": 2}', '{"rollout": {"min_ready": NaN}}', "[]"])
def test_ambiguous_json_is_not_written(editor: Editor, text: str) -> None:
    shell, code, _, _ = edit({"history": 5}, editor(text))

    assert code == 65
    assert written(shell) == {"history": 5}


@pytest.mark.parametrize("policy", [b"garbage", {"history": 0}])
def test_an_invalid_policy_can_be_fixed(editor: Editor, policy: object, tmp_path: Path) -> None:
    shell, code, _, _ = edit(policy, editor('{"history": 5}'))

    assert code == 0
    assert written(shell) == {"format": 1, "history": 5}
    assert (tmp_path / "given-1").read_text() in {"garbage", '{\n  "history": 0\n}\n'}


def test_after_a_concurrent_change_the_text_is_kept(editor: Editor, folder: Path) -> None:
    shell = network({"history": 5})
    shell.environ, shell.wrap = editor('{"history": 6}'), raced

    code, out, err = shell("policy", "edit")

    assert (code, out) == (69, "")
    assert "the policy" in err
    (kept,) = folder.rglob("policy.json")
    assert kept.read_text() == '{"history": 6}'
    assert f"your text is kept in {kept}" in err


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (
            "no-such-editor",
            64,
            "cannot start the editor no-such-editor: No such file or directory; set VISUAL",
        ),
        ("false", 64, "the editor false ended with 1; nothing was written"),
        ('x "', 64, "is not a command (No closing quotation); set VISUAL or EDITOR"),
        (" ", 64, "the editor's name is blank"),
        ("rm", 65, "policy.json: cannot be read: No such file or directory"),
    ],
)
def test_a_failing_editor_is_reported_and_nothing_is_written(
    folder: Path, command: str, code: int, said: str
) -> None:
    shell, exit_code, out, err = edit({"history": 5}, {"EDITOR": command, "TMPDIR": str(folder)})

    assert (exit_code, out) == (code, "")
    assert said in err
    assert written(shell) == {"history": 5}
    assert list(folder.rglob("policy.json")) == []


def test_a_policy_that_is_not_utf_8_is_reported(editor: Editor) -> None:
    _, code, _, err = edit(None, editor('{"x": "\xfc"}'))

    assert code == 65
    assert "policy.json: is not UTF-8; save it as UTF-8" in err
