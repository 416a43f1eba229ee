"""The entry of all commands: help, errors on stderr, exit codes, and what is not imported."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar import __version__
from sidecar.cli.main import COMMANDS, GROUPS, run_command
from sidecar.cli.shared.context import CommandContext
from sidecar.config import Settings
from sidecar.domain.errors import BadConfiguration, Refused, StoreUnavailable

WIDEST = 80
TRACE = "rerun with --log-level debug for a traceback"


class Sidecar:
    """Stands in for the wiring: records its settings, and ends as the test says."""

    def __init__(self, ends: int | Exception | BaseException = 0) -> None:
        self.ends = ends
        self.settings: Settings | None = None

    def run(self, settings: Settings, _: Callable[[], object]) -> int:
        self.settings = settings
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends


def invoke(
    *argv: str, folder: Path = Path("/nowhere"), sidecar: Sidecar | None = None, **environ: str
) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    context = CommandContext(environ=environ, folder=folder, out=out, err=err, run=(sidecar or Sidecar()).run)
    code = run_command(argv, context)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "federated.json").write_text("{}")
    return tmp_path


def test_help_names_every_command_in_its_group() -> None:
    code, out, err = invoke("--help")

    assert (code, err) == (0, "")
    assert all(f"\n  {command} " in out for command in COMMANDS)
    assert all(f"\n{group}:\n  {next(iter(commands))} " in out for group, commands in GROUPS.items())
    commands = [line for line in out.splitlines() if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert len({line.index(COMMANDS[line.split()[0]]) for line in commands}) == 1
    assert "example:" in out
    assert len(out.splitlines()) <= 54
    assert max(map(len, out.splitlines())) <= WIDEST


def test_version_is_printed() -> None:
    assert invoke("--version") == (0, f"sidecar {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "no command given; the commands are run, gate,"),
        (("memebrs",), "unknown command 'memebrs'; did you mean `sidecar members`?"),
        (("xyzzy",), "unknown command 'xyzzy'; the commands are run, gate,"),
        (("--etcd", "x"), "--etcd: options follow the command, as in `sidecar run --etcd …`"),
        (("run", "--lease-tll", "3"), "unknown option --lease-tll (did you mean --lease-ttl?)"),
        (("run", "--lease"), "unknown option --lease"),
        (
            ("run", "java"),
            "unexpected argument 'java': write the command after --, as in `sidecar run -- java",
        ),
        (("run", "--etcd"), "argument --etcd: expected one argument; see `sidecar run --help`"),
        (("run", "--"), "the command after -- is missing"),
        (("servers", "fed-1"), "unexpected argument 'fed-1': it takes options only"),
        (("remove",), "NODEID|URL"),
        (("remove", "a", "b"), "unexpected argument 'b': it takes NODEID|URL"),
        (("remove", "a", "--timeout", "soon"), "argument --timeout: "),
        (("remove", "a", "--timeout", "-1"), "argument --timeout: "),
        (("pause", ""), "argument NODEID|URL: it is empty; name a node"),
        (("rollout",), "no command given; the commands are status, pause, resume, skip, retry"),
        (
            ("rollout", "puase"),
            "unknown command 'puase' of `sidecar rollout`; did you mean `sidecar rollout pause`?",
        ),
        (
            ("rollout", "xyzzy"),
            "unknown command 'xyzzy' of `sidecar rollout`; the commands are status, pause,",
        ),
        (("rollout", "--json"), "options follow the command, as in `sidecar rollout status --json …`"),
        (("rollout", "pause", "fed-1"), "unexpected argument 'fed-1': it takes options only"),
        (("rollback", "x"), "'x' is not a version: versions are numbers from 1"),
        (("rollback", "-3"), "'-3' is not a version"),
        (("run", "--password", "x"), "unknown option --password (did you mean --password-file?)"),
    ],
)
def test_bad_command_line_exits_with_64_and_a_hint(argv: tuple[str, ...], said: str) -> None:
    code, out, err = invoke(*argv)

    assert (code, out) == (64, "")
    assert err.startswith("sidecar: error: ")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_80_columns_and_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    code, printed, _ = invoke(command, "--help")

    out = printed + capsys.readouterr().out
    assert code == 0
    assert f"usage: sidecar {command}" in out
    assert f"example:\n  sidecar {command}" in out
    assert len(out.splitlines()) <= {"run": 115, "gate": 55}.get(command, 24)
    assert max(map(len, out.splitlines())) <= WIDEST


@pytest.mark.parametrize(
    ("command", "subcommand"),
    [
        *(("rollout", name) for name in ("pause", "resume", "skip", "retry")),
        *(("policy", name) for name in ("show", "set", "edit")),
        *(("token", name) for name in ("create", "list", "revoke")),
    ],
)
def test_help_lists_subcommands_and_each_has_help(
    command: str, subcommand: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"\n  {subcommand} " in invoke(command, "--help")[1]

    code, _, _ = invoke(command, subcommand, "--help")

    out = capsys.readouterr().out
    assert code == 0
    assert f"usage: sidecar {command} {subcommand} " in out
    assert f"sidecar {command} {subcommand}" in out.partition("example:\n")[2]
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= WIDEST


def test_run_passes_its_settings_and_returns_the_exit_code(folder: Path) -> None:
    sidecar = Sidecar(ends=3)

    code, out, err = invoke(
        "run", "--lease-ttl=5", "--etcd", "http://e:2379", "--", "sh", "-c", "--etcd", "--",
        folder=folder, sidecar=sidecar, SIDECAR_NETWORK="blue",
    )  # fmt: skip

    assert (code, out, err) == (3, "", "")
    assert sidecar.settings is not None
    assert sidecar.settings.process.command == ("sh", "-c", "--etcd", "--")
    assert sidecar.settings.etcd.endpoints == ("http://e:2379",)
    assert (sidecar.settings.membership.lease_ttl, sidecar.settings.network) == (5.0, "blue")


def test_the_command_may_come_from_the_configuration(folder: Path) -> None:
    sidecar = Sidecar()

    invoke("run", folder=folder, sidecar=sidecar, SIDECAR_COMMAND="java -jar x.jar")

    assert sidecar.settings is not None
    assert sidecar.settings.process.command == ("java", "-jar", "x.jar")


def test_bad_settings_exit_with_78_and_one_line_each(folder: Path) -> None:
    code, _, err = invoke("run", "--lease-ttl", "x", "--role", "y", folder=folder)

    assert code == 78
    assert [line.split(":")[2] for line in err.splitlines()] == [" --role", " --lease-ttl"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StoreUnavailable("etcd is away"), 69, "sidecar: error: etcd is away\n"),
        (Refused("no"), 77, "sidecar: error: no\n"),
        (KeyError("x"), 70, f"internal error, please report it: KeyError: 'x' ({TRACE})\n"),
        (ExceptionGroup("", [BadConfiguration("a"), Refused("b")]), 78, "error: a\nsidecar: error: b\n"),
        (ExceptionGroup("", [ExceptionGroup("", [Refused("b")])]), 77, "sidecar: error: b\n"),
    ],
)
def test_an_error_is_one_line_without_a_traceback(
    folder: Path, error: Exception, code: int, said: str
) -> None:
    exit_code, _, err = invoke("run", folder=folder, sidecar=Sidecar(error))

    assert exit_code == code
    assert err.endswith(said)
    assert "Traceback" not in err


def test_an_interrupt_is_no_error(folder: Path) -> None:
    assert invoke("run", folder=folder, sidecar=Sidecar(KeyboardInterrupt())) == (130, "", "")


def sidecar_process(*argv: str, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "sidecar"]
    # Not measured: what coverage loads is none of the sidecar's.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run([*command, *argv], env=env, capture_output=True, text=True, check=False, timeout=60)


def test_debug_shows_the_traceback_of_an_internal_error(folder: Path) -> None:
    code = (
        "import sys\n"
        "from sidecar.cli.main import run_command\n"
        "from sidecar.cli.shared.context import CommandContext\n"
        "def crash(settings, _): raise KeyError('x')\n"
        "sys.exit(run_command(sys.argv[1:], CommandContext(run=crash)))\n"
    )
    loud = sidecar_process("run", "--file", str(folder / "federated.json"), "--log-level", "debug", code=code)
    quiet = sidecar_process("run", "--file", str(folder / "federated.json"), code=code)

    assert (loud.returncode, quiet.returncode) == (70, 70)
    assert "in crash" in loud.stderr
    assert "in crash" not in quiet.stderr


def test_the_module_is_the_command() -> None:
    done = sidecar_process("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"sidecar {__version__}\n", "")


def test_a_closed_pipe_causes_no_error_message() -> None:
    code = (
        "import os, sys\n"
        "reader, writer = os.pipe()\n"
        "os.close(reader)\n"
        "os.dup2(writer, 1)\n"
        "from sidecar.cli.main import run_command\n"
        "sys.exit(run_command(['--help']))\n"
    )
    done = sidecar_process(code=code)

    assert (done.returncode, done.stderr) == (141, "")


def test_run_imports_no_other_command(folder: Path) -> None:
    code = (
        "import sys\n"
        "from sidecar.cli.main import run_command\n"
        "from sidecar.cli.shared.context import CommandContext\n"
        "run_command(sys.argv[1:], CommandContext(run=lambda settings: 0))\n"
        "print(*sorted(sys.modules))\n"
    )
    done = sidecar_process("run", "--file", str(folder / "federated.json"), code=code)

    loaded = set(done.stdout.split())
    heavy = {"rich", "aiohttp", "jsonschema", "anyio", "asyncio", "tomllib", "difflib", "shutil"}
    assert not loaded & heavy
    assert {name for name in loaded if name.startswith("sidecar.cli.")} == {
        "sidecar.cli.main",
        "sidecar.cli.shared.parser",
        "sidecar.cli.node",
        "sidecar.cli.node.run",
        "sidecar.cli.shared",
        "sidecar.cli.shared.context",
    }
