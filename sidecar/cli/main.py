"""The frame around all verbs: which one, how errors are told, what the exit code is."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from sidecar import __version__
from sidecar.cli.world import World
from sidecar.domain.errors import ExitCode, SidecarError, UsageError
from sidecar.domain.wording import printable

Verb = Callable[[Sequence[str], World], int]

VERBS = {
    "run": "keep this node's file in step, and look after the process next to it",
    "gate": "check this node's file once, before something else starts the process",
    "reload": "have the sidecar executed anew in place, with what its settings are now",
    "health": "ask the sidecar of this machine how it is",
    "check": "validate federated.json and config.json files, offline",
    "servers": "show the canonical list of servers",
    "leader": "show which server leads",
    "members": "show every node, and how it is",
    "removed": "show what was removed, and by whom",
    "history": "show the versions of the list, and what made each",
    "diff": "show what changed between two versions",
    "pending": "show who asks to join",
    "plan": "show what a join or a removal would do",
    "wait": "wait until every node has loaded a version",
    "remove": "take a server or database node out of the network",
    "readmit": "let a removed node join again",
    "demo": "watch a whole network at work on this machine",
}
HELP = """\
usage: sidecar VERB [OPTION]…

Keeps FederatedServers the same in every file of a federation network, through etcd.

verbs:
{verbs}

`sidecar VERB --help` tells the options of a verb; `sidecar --version` the version.

example:
  sidecar run --etcd http://127.0.0.1:2379 -- java -jar server.jar
"""
# As a shell reports what a signal ended: 128 + 2 for SIGINT, 128 + 13 for SIGPIPE.
INTERRUPTED = 130
NOBODY_READS = 141

log = logging.getLogger("sidecar.cli")


def run_verb(argv: Sequence[str], world: World | None = None) -> int:
    """Run the verb in ``argv`` and return the exit code; what goes wrong is told on stderr."""
    world = world or World()
    try:
        code = _dispatch(argv, world)
        world.out.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `sidecar members | head`; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except SystemExit as exc:  # argparse, after --help
        return exc.code if isinstance(exc.code, int) else ExitCode.OK
    except Exception as exc:
        return _tell(exc, world)
    return code


def _dispatch(argv: Sequence[str], world: World) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("", argv)
    if name in {"-h", "--help", "help"}:
        world.out.write(global_help())
        return ExitCode.OK
    if name in {"-V", "--version"}:
        world.out.write(f"sidecar {__version__}\n")
        return ExitCode.OK
    if name not in VERBS:
        raise UsageError(_no_verb(name))
    verb: Verb = importlib.import_module(f"sidecar.cli.{name}").main
    return verb(rest, world)


def global_help() -> str:
    """What ``sidecar --help`` prints."""
    return HELP.format(verbs="\n".join(f"  {name:<9} {what}" for name, what in VERBS.items()))


def _no_verb(name: str) -> str:
    if not name:
        return f"no verb given; one of {', '.join(VERBS)}; see `sidecar --help`"
    if name.startswith("-"):
        return f"{name}: options go behind the verb, as in `sidecar run {name} …`"
    import difflib  # noqa: PLC0415 - needed on this way out alone

    near = difflib.get_close_matches(name, VERBS, n=1)
    hint = f"did you mean `sidecar {near[0]}`?" if near else f"one of {', '.join(VERBS)}"
    return f"there is no verb {name!r}; {hint}"


def _tell(exc: Exception, world: World) -> int:
    """Say on stderr what went wrong, a line each; return the exit code of the first."""
    log.debug("this is where it came from", exc_info=exc)
    code = None
    for error in _leaves(exc):
        if isinstance(error, SidecarError):
            message, its_code = str(error), error.exit_code
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            message = f"a bug of the sidecar, {what}; --log-level debug shows where"
            its_code = ExitCode.INTERNAL
        code = its_code if code is None else code
        for line in message.splitlines():
            print(f"sidecar: error: {printable(line)}", file=world.err)
    return ExitCode.INTERNAL if code is None else code


def _leaves(exc: Exception) -> Iterator[Exception]:
    """The errors in ``exc``: itself, or those that a task group has wrapped up."""
    if isinstance(exc, ExceptionGroup):
        for inner in exc.exceptions:
            yield from _leaves(inner)
    else:
        yield exc
