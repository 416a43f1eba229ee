"""A verb of several: ``sidecar policy show``, ``sidecar policy set``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sidecar.cli.shared.context import World
from sidecar.cli.shared.parser import no_such_verb
from sidecar.domain.errors import ExitCode

Run = Callable[[Sequence[str], World], int]


@dataclass(frozen=True, slots=True)
class SubVerb:
    """One of them. ``run`` is the module that has its ``main``, where it stands in one of its own."""

    arguments: str
    what: str
    run: Run | str


def run_subverb(
    verb: str,
    subverbs: Mapping[str, SubVerb],
    description: str,
    epilog: str,
    argv: Sequence[str],
    world: World,
) -> int:
    """Run the one that ``argv`` names. Raises `UsageError` where it names none."""
    frame = f"sidecar {verb}"
    name, rest = (argv[0], argv[1:]) if argv else ("", argv)
    if name in {"-h", "--help", "help"}:
        world.out.write(_help(frame, subverbs, description, epilog))
        return ExitCode.OK
    if name not in subverbs:
        raise no_such_verb(name, subverbs, frame)
    run = subverbs[name].run
    if isinstance(run, str):
        run = main_of(run)
    return run(rest, world)


def main_of(module: str) -> Run:
    """The ``main`` of ``module``, which is loaded for it."""
    main: Run = importlib.import_module(module).main
    return main


def _help(frame: str, subverbs: Mapping[str, SubVerb], description: str, epilog: str) -> str:
    calls = {f"{name} {subverb.arguments}".strip(): subverb.what for name, subverb in subverbs.items()}
    width = max(map(len, calls))
    lines = "\n".join(f"  {call:<{width}}  {what}" for call, what in calls.items())
    return (
        f"usage: {frame} VERB [OPTION]…\n\n{description}\n\nverbs:\n{lines}\n\n"
        f"`{frame} VERB --help` tells the options of each.\n\n{epilog}\n"
    )
