"""The operator's editor, opened on the policy until what it leaves behind is right."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from sidecar.cli.policy.text import Json, parsed
from sidecar.cli.shared.context import World
from sidecar.domain.errors import BadFile, BadRecord, Problem, UsageError
from sidecar.domain.printing import printable

_REMARK = "#"  # as git has it: such lines are for the reader, and dropped


@contextmanager
def scratch(text: str, world: World) -> Iterator[Path]:
    """A file of nobody else's that holds ``text``; it stays where something fails after it was changed."""
    where = world.environ.get("TMPDIR", "")
    folder = Path(tempfile.mkdtemp(prefix="sidecar-", dir=where if where and Path(where).is_dir() else None))
    path = folder / "policy.json"
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    stays = False
    try:
        yield path
    except BaseException:
        stays = path.exists() and path.read_bytes() != text.encode()
        if stays:
            print(f"sidecar: note: what you wrote is kept in {path}", file=world.err)
        raise
    finally:
        if not stays:
            shutil.rmtree(folder, ignore_errors=True)


async def edited(path: Path, world: World) -> Json | None:
    """Return the policy that the operator makes of the file at ``path``; None: he emptied it.

    Where it is wrong he gets it again, with what is wrong below it, until it is right or he leaves it as it
    was. Raises `BadRecord` then, and at once where nobody sits at a terminal.
    """
    command = _editor(world)
    before = None
    while True:
        await _open(command, path)
        said = _text(path)
        text = "\n".join("" if line.startswith(_REMARK) else line for line in said.splitlines())
        if not text.strip():
            return None
        document, problems = parsed(text)
        if not problems:
            return document
        if said == before or not world.out.isatty():
            raise BadRecord("policy.json", problems)
        before = _remarked(text, problems)
        _give_back(path, before)


def _editor(world: World) -> list[str]:
    text = world.environ.get("VISUAL") or world.environ.get("EDITOR") or "vi"
    try:
        command = shlex.split(text)
    except ValueError as exc:
        raise UsageError(f"the editor {text!r} is no command ({exc}); set VISUAL or EDITOR") from exc
    if not command:
        raise UsageError("the editor's name is blank; set VISUAL or EDITOR")
    return command


async def _open(command: list[str], path: Path) -> None:
    try:
        # None: on the streams of the sidecar itself, which are a terminal.
        async with await anyio.open_process(
            [*command, str(path)], stdin=None, stdout=None, stderr=None
        ) as process:
            code = await process.wait()
    except OSError as exc:
        why = exc.strerror or exc
        raise UsageError(f"cannot start the editor {command[0]}: {why}; set VISUAL or EDITOR") from exc
    if code:
        raise UsageError(f"the editor {command[0]} ended with {code}, so nothing was written")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as exc:
        raise BadFile(str(path), (Problem("", "is not UTF-8", "save it as UTF-8"),)) from exc
    except OSError as exc:
        raise BadFile(str(path), (Problem("", f"cannot be read: {exc.strerror}"),)) from exc


def _give_back(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _remarked(text: str, problems: tuple[Problem, ...]) -> str:
    """``text`` with ``problems`` below it, where they do not move its lines."""
    heading = "It is not right yet. Mend it, or leave it as it is to give up:"
    remarks = [heading, *(problem.describe("policy.json") for problem in problems)]
    return f"{text.rstrip()}\n" + "".join(f"{_REMARK} {printable(remark)}\n" for remark in remarks)
