"""The entry of all commands: it picks the command, reports errors, and returns the exit code."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from sidecar import __version__
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import unknown_command
from sidecar.domain.errors import ExitCode, SidecarError
from sidecar.domain.printing import printable

Command = Callable[[Sequence[str], CommandContext], int]

GROUPS = {
    "run and check one node": {
        "run": "keep this node's file in sync, and supervise its process",
        "gate": "check this node's file once, before the process is started",
        "reload": "reload settings (re-execute the sidecar in place)",
        "health": "check the sidecar on this machine",
        "check": "validate federated.json and config.json files, offline",
    },
    "inspect the network": {
        "servers": "show the canonical list of servers",
        "leader": "show the leader",
        "members": "list all nodes and their state",
        "removed": "list removed nodes",
        "history": "list the versions of the list",
        "diff": "show the changes between two versions",
        "plan": "show what a join or a removal would do",
    },
    "change the network": {
        "remove": "remove a server or database node from the network",
        "readmit": "let a removed node join again",
        "rollback": "publish the list of an earlier version again",
        "policy": "show, set or edit the policy of the network",
    },
    "control rollouts": {
        "rollout": "show, pause or resume the rollout; skip or retry a node",
        "wait": "wait until every node has loaded a version",
        "pause": "exclude a node from rollouts",
        "resume": "include a paused node in rollouts again",
    },
    "admit new servers": {
        "pending": "list servers that ask to join",
        "approve": "admit a server that waits for approval",
        "refuse": "refuse a server that waits for approval",
        "token": "create, list and revoke join tokens",
    },
    "try it out": {
        "demo": "run a whole network on this machine",
    },
}
COMMANDS = {name: what for commands in GROUPS.values() for name, what in commands.items()}
_MODULES = {
    "run": "node.run",
    "gate": "node.gate",
    "reload": "node.reload",
    "health": "node.health",
    "check": "node.check",
    "servers": "inspect.servers",
    "leader": "inspect.leader",
    "members": "inspect.members",
    "removed": "inspect.removed",
    "history": "inspect.history",
    "diff": "inspect.diff",
    "pending": "inspect.pending",
    "remove": "change.remove",
    "readmit": "change.readmit",
    "approve": "change.approve",
    "refuse": "change.refuse",
    "pause": "change.pause",
    "resume": "change.resume",
    "rollback": "change.rollback",
    "token": "change.token",
    "wait": "rollout.wait",
    "plan": "rollout.plan",
    "rollout": "rollout.command",
    "policy": "policy.command",
}
HELP = """\
usage: sidecar COMMAND [OPTION]…

Keeps FederatedServers in sync in all configuration files of a federation
network, through etcd.

{groups}

`sidecar COMMAND --help` shows the options of a command, `sidecar --version` the
version.

example:
  sidecar run --etcd http://127.0.0.1:2379 -- java -jar server.jar
"""
_HOW_TO_TRACE = "rerun with --log-level debug for a traceback"
# A shell reports a process ended by a signal as 128 + 2 for SIGINT, 128 + 13 for SIGPIPE.
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

log = logging.getLogger("sidecar.cli")


def run_command(argv: Sequence[str], context: CommandContext | None = None) -> int:
    """Run the command in ``argv`` and return its exit code. Errors are printed on stderr."""
    context = context or CommandContext()
    try:
        code = _dispatch(argv, context)
        context.out.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `sidecar members | head`; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except SystemExit as exc:  # argparse, after --help
        return exc.code if isinstance(exc.code, int) else ExitCode.OK
    except Exception as exc:
        return _report_error(exc, context)
    return code


def _dispatch(argv: Sequence[str], context: CommandContext) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("", argv)
    if name in {"-h", "--help", "help"}:
        context.out.write(global_help())
        return ExitCode.OK
    if name in {"-V", "--version"}:
        context.out.write(f"sidecar {__version__}\n")
        return ExitCode.OK
    if name not in COMMANDS:
        raise unknown_command(name, COMMANDS)
    command: Command = importlib.import_module(f"sidecar.cli.{_MODULES.get(name, name)}").main
    return command(rest, context)


def global_help() -> str:
    """What ``sidecar --help`` prints."""
    width = max(map(len, COMMANDS))
    groups = (
        f"{title}:\n" + "\n".join(f"  {name:<{width}}  {what}" for name, what in commands.items())
        for title, commands in GROUPS.items()
    )
    return HELP.format(groups="\n\n".join(groups))


def _report_error(exc: Exception, context: CommandContext) -> int:
    """Print each error on a line of stderr; return the exit code of the first."""
    log.debug("command failed", exc_info=exc)
    code = None
    for error in _flatten(exc):
        if isinstance(error, SidecarError):
            message, its_code = str(error), error.exit_code
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            message = f"internal error, please report it: {what} ({_HOW_TO_TRACE})"
            its_code = ExitCode.INTERNAL
        code = its_code if code is None else code
        for line in message.splitlines():
            print(f"sidecar: error: {printable(line)}", file=context.err)
    return ExitCode.INTERNAL if code is None else code


def _flatten(exc: Exception) -> Iterator[Exception]:
    """The errors in ``exc``: itself, or the ones that a task group collected."""
    if isinstance(exc, ExceptionGroup):
        for inner in exc.exceptions:
            yield from _flatten(inner)
    else:
        yield exc
