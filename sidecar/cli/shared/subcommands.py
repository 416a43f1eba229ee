"""Commands that have commands of their own: ``sidecar policy show``, ``sidecar policy set``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import unknown_command
from sidecar.domain.errors import ExitCode

Command = Callable[[Sequence[str], CommandContext], int]


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One of them. ``run`` is its function, or the name of the module that has it as ``main``."""

    arguments: str
    summary: str
    run: Command | str


def run_subcommand(
    command: str,
    subcommands: Mapping[str, Subcommand],
    description: str,
    epilog: str,
    argv: Sequence[str],
    context: CommandContext,
) -> int:
    """Run the command that ``argv`` names. Raises `UsageError` if it names none."""
    program = f"sidecar {command}"
    name, rest = (argv[0], argv[1:]) if argv else ("", argv)
    if name in {"-h", "--help", "help"}:
        context.out.write(_help(program, subcommands, description, epilog))
        return ExitCode.OK
    if name not in subcommands:
        raise unknown_command(name, subcommands, program)
    run = subcommands[name].run
    if isinstance(run, str):
        run = load_main(run)
    return run(rest, context)


def load_main(module: str) -> Command:
    """Load ``module`` and return its ``main``."""
    main: Command = importlib.import_module(module).main
    return main


def _help(program: str, subcommands: Mapping[str, Subcommand], description: str, epilog: str) -> str:
    calls = {
        f"{name} {subcommand.arguments}".strip(): subcommand.summary
        for name, subcommand in subcommands.items()
    }
    width = max(map(len, calls))
    lines = "\n".join(f"  {call:<{width}}  {summary}" for call, summary in calls.items())
    return (
        f"usage: {program} COMMAND [OPTION]…\n\n{description}\n\ncommands:\n{lines}\n\n"
        f"`{program} COMMAND --help` shows the options of a command.\n\n{epilog}\n"
    )
