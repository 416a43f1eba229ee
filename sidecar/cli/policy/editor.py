"""The operator's editor, opened on the policy until the result is valid."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from sidecar.cli.policy.text import Json, parse_policy
from sidecar.cli.shared.context import CommandContext
from sidecar.domain.errors import BadFile, BadRecord, Problem, UsageError
from sidecar.domain.printing import os_reason, printable, why_unreadable

_COMMENT = "#"  # as in git: lines for the reader, which are dropped


@contextmanager
def temporary_copy(text: str, context: CommandContext) -> Iterator[Path]:
    """A private file that holds ``text``; if an error follows a change of it, the file is kept."""
    where = context.environ.get("TMPDIR", "")
    folder = Path(tempfile.mkdtemp(prefix="sidecar-", dir=where if where and Path(where).is_dir() else None))
    path = folder / "policy.json"
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    keep = False
    try:
        yield path
    except BaseException:
        keep = path.exists() and path.read_bytes() != text.encode()
        if keep:
            print(f"sidecar: note: your text is kept in {path}", file=context.err)
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


async def edit_until_valid(path: Path, context: CommandContext) -> Json | None:
    """Return the policy that the operator writes into the file at ``path``; None if it is empty.

    An invalid policy is opened again with the errors below it, until it is valid or comes back unchanged.
    Raises `BadRecord` then, and immediately if there is no terminal.
    """
    command = _editor_command(context)
    before = None
    while True:
        await _run_editor(command, path)
        content = _read(path)
        text = "\n".join("" if line.startswith(_COMMENT) else line for line in content.splitlines())
        if not text.strip():
            return None
        document, problems = parse_policy(text)
        if not problems:
            return document
        if content == before or not context.out.isatty():
            raise BadRecord("policy.json", problems)
        before = _with_comments(text, problems)
        _rewrite(path, before)


def _editor_command(context: CommandContext) -> list[str]:
    text = context.environ.get("VISUAL") or context.environ.get("EDITOR") or "vi"
    try:
        command = shlex.split(text)
    except ValueError as exc:
        raise UsageError(f"the editor {text!r} is not a command ({exc}); set VISUAL or EDITOR") from exc
    if not command:
        raise UsageError("the editor's name is blank; set VISUAL or EDITOR")
    return command


async def _run_editor(command: list[str], path: Path) -> None:
    try:
        # None: it inherits the streams of the sidecar, which are a terminal.
        async with await anyio.open_process(
            [*command, str(path)], stdin=None, stdout=None, stderr=None
        ) as process:
            code = await process.wait()
    except OSError as exc:
        why = os_reason(exc)
        raise UsageError(f"cannot start the editor {command[0]}: {why}; set VISUAL or EDITOR") from exc
    if code:
        raise UsageError(f"the editor {command[0]} ended with {code}; nothing was written")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as exc:
        raise BadFile(str(path), (Problem("", "is not UTF-8", "save it as UTF-8"),)) from exc
    except OSError as exc:
        raise BadFile(str(path), (Problem("", why_unreadable(exc)),)) from exc


def _rewrite(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _with_comments(text: str, problems: tuple[Problem, ...]) -> str:
    """``text`` with ``problems`` below it, so that its line numbers stay the same."""
    heading = "The policy is invalid. Fix it, or leave it unchanged to give up:"
    comments = [heading, *(problem.describe("policy.json") for problem in problems)]
    return f"{text.rstrip()}\n" + "".join(f"{_COMMENT} {printable(comment)}\n" for comment in comments)
