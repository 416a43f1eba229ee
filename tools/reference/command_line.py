"""The help text of every command, as the terminal shows it."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

from sidecar.cli.main import COMMANDS, run_command
from tools.reference.markdown import page

_SUBCOMMANDS = re.compile(r"^commands:\n((?:  .*\n)+)", re.MULTILINE)


def command_line() -> str:
    """The page."""
    parts = [_block(help_of())]
    for name in COMMANDS:
        text = help_of(name)
        parts += [f"## sidecar {name}", _block(text)]
        for subcommand in subcommands(text):
            parts += [f"### sidecar {name} {subcommand}", _block(help_of(name, subcommand))]
    return page("Command line", "What `--help` prints. Exit codes: [reference](exit-codes.md).", *parts)


def help_of(*words: str) -> str:
    """Return the output of ``sidecar WORDS --help``."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = run_command([*words, "--help"])
    if code != 0:
        raise RuntimeError(f"sidecar {' '.join(words)} --help exited with {code}")
    return out.getvalue()


def subcommands(text: str) -> list[str]:
    """Return the subcommands that a help text lists."""
    found = _SUBCOMMANDS.search(text)
    return re.findall(r"^  (\w[\w-]*)", found[1], re.MULTILINE) if found else []


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"
