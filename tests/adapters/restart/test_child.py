from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.session import Session
from sidecar.domain.node.process import Backoff, Exited, NotLaunched
from sidecar.domain.servers import ServerList
from tests.adapters.restart.conftest import MakeChild, exited, pid_of, running
from tests.kit.processes import DEADLINE, PYTHON, is_alive, open_fifo, poll_until, read_pid

pytestmark = pytest.mark.anyio

SERVERS = ServerList.parse(["http://localhost:9001", "http://localhost:9002"])
FOREVER = "exec sleep 1000"


async def test_it_runs_on_the_list_it_was_started_on(make_child: MakeChild) -> None:
    child = make_child(FOREVER)
    before = anyio.current_time()
    await child.start(SERVERS)
    assert is_alive(pid_of(child))
    assert running(child).loaded == SERVERS
    assert before <= running(child).started_at <= anyio.current_time()


async def test_it_gets_its_own_folder_and_environment(make_child: MakeChild, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    child = make_child('echo "$PWD $ROLE" > said', env={"ROLE": "me"}, cwd=tmp_path / "there")
    await child.start(SERVERS)
    await child.wait_for_change()
    assert (tmp_path / "there/said").read_text() == f"{tmp_path}/there me\n"


async def test_it_is_stopped_with_sigterm(make_child: MakeChild) -> None:
    child = make_child(FOREVER)
    await child.start(SERVERS)
    pid = pid_of(child)
    await child.stop()
    assert child.state == NotLaunched()
    assert not is_alive(pid)
    assert child.last_exit == 128 + signal.SIGTERM


async def test_the_exit_code_of_a_graceful_end_is_kept(make_child: MakeChild, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    child = make_child("trap 'exit 7' TERM; echo 1 > ready; read _ < gate")
    await child.start(SERVERS)
    await read_pid(tmp_path / "ready")
    await child.stop()
    assert child.last_exit == 7


async def test_what_ignores_sigterm_is_killed_after_the_stop_timeout(
    make_child: MakeChild, tmp_path: Path
) -> None:
    script = "trap '' TERM; sleep 1000 & echo $! > member; echo $$ > leader; wait"
    child = make_child(script, stop_timeout=0.2)
    await child.start(SERVERS)
    leader = await read_pid(tmp_path / "leader")
    member = await read_pid(tmp_path / "member")
    before = anyio.current_time()
    await child.stop()
    assert anyio.current_time() - before >= 0.2
    assert not is_alive(leader)
    assert not is_alive(member)
    assert child.last_exit == 128 + signal.SIGKILL


async def test_a_script_that_forks_and_waits_is_stopped_whole(make_child: MakeChild, tmp_path: Path) -> None:
    child = make_child("sleep 1000 & echo $! > member; wait")
    await child.start(SERVERS)
    member = await read_pid(tmp_path / "member")
    await child.stop()
    assert not is_alive(member)


async def test_a_script_that_exits_first_on_sigterm_is_still_stopped_whole(
    make_child: MakeChild, tmp_path: Path
) -> None:
    # The member takes its time to end; stop must not return before it has.
    os.mkfifo(tmp_path / "gate")
    slow = "trap 'read _ < gate; exit 0' TERM; echo 1 > ready; read _ < never"
    os.mkfifo(tmp_path / "never")
    child = make_child(f'sh -c "{slow}" & echo $! > member; trap "exit 0" TERM; wait')
    await child.start(SERVERS)
    member = await read_pid(tmp_path / "member")
    await read_pid(tmp_path / "ready")
    async with anyio.create_task_group() as group:
        group.start_soon(child.stop)
        await open_fifo(tmp_path / "gate")
    assert not is_alive(member)
    assert child.state == NotLaunched()


async def test_a_member_in_a_process_group_of_its_own_is_stopped_too(
    make_child: MakeChild, tmp_path: Path
) -> None:
    job = "import os, signal; os.setpgid(0, 0); open('job', 'w').write(f'{os.getpid()}\\n');signal.pause()"
    child = make_child(f'{" ".join(PYTHON)} -c "{job}" & wait')
    await child.start(SERVERS)
    member = await read_pid(tmp_path / "job")
    await child.stop()
    assert not is_alive(member)


async def test_an_unreaped_zombie_does_not_delay_the_stop(make_child: MakeChild, tmp_path: Path) -> None:
    # The parent leaves the session, its child does not, and no process reaps the child.
    parent = (
        "import os, signal\n"
        "child = os.fork()\n"
        "if not child: signal.pause()\n"
        "os.setsid()\n"
        "open('child', 'w').write(f'{child}\\n')\n"
        "open('parent', 'w').write(f'{os.getpid()}\\n')\n"
        "signal.pause()"
    )
    (tmp_path / "parent.py").write_text(parent)
    child = make_child(f"{' '.join(PYTHON)} parent.py & wait", stop_timeout=DEADLINE * 2)
    await child.start(SERVERS)
    unrelated = await read_pid(tmp_path / "parent")
    zombie = await read_pid(tmp_path / "child")
    try:
        with anyio.fail_after(DEADLINE):
            await child.stop()
        assert not is_alive(zombie)
        assert zombie in procfs.pids()
        assert is_alive(unrelated)
    finally:
        os.kill(unrelated, signal.SIGKILL)


async def test_a_hundred_members_that_ignore_sigterm_are_killed(
    make_child: MakeChild, tmp_path: Path
) -> None:
    script = (
        "trap '' TERM; i=0;"
        "while [ $i -lt 100 ]; do sleep 1000 & echo $! >> members; i=$((i + 1)); done;"
        "echo 1 > ready; wait"
    )
    child = make_child(script, stop_timeout=0.05)
    await child.start(SERVERS)
    await read_pid(tmp_path / "ready")
    await child.stop()
    members = [int(line) for line in (tmp_path / "members").read_text().split()]
    assert len(members) == 100
    assert not any(is_alive(member) for member in members)


async def test_a_script_that_answers_sigterm_by_forking_is_stopped_whole(
    make_child: MakeChild, tmp_path: Path
) -> None:
    script = (
        "trap 'while :; do sleep 1000 & echo $! >> members; done' TERM; echo 1 > ready;"
        "while :; do sleep 1000 & wait; done"
    )
    child = make_child(script, stop_timeout=0.05)
    await child.start(SERVERS)
    await read_pid(tmp_path / "ready")
    await child.stop()
    written = tmp_path / "members"  # by a script that may have been killed before it came to that
    members = [int(line) for line in written.read_text().split()[:-1]] if written.exists() else []
    assert not any(is_alive(member) for member in members)


async def test_a_suspended_process_gets_to_see_sigterm(make_child: MakeChild, tmp_path: Path) -> None:
    child = make_child("trap 'exit 5' TERM; echo $$ > leader; kill -STOP $$; sleep 1000 & wait")
    await child.start(SERVERS)
    leader = await read_pid(tmp_path / "leader")
    await poll_until(lambda: " T " in Path(f"/proc/{leader}/stat").read_text())
    await child.stop()
    assert child.last_exit == 5


async def test_stopping_nothing_is_no_error(make_child: MakeChild) -> None:
    child = make_child(FOREVER)
    await child.stop()
    assert child.state == NotLaunched()
    assert child.last_exit is None


async def test_an_unexpected_exit_wakes_waiters_with_the_code(make_child: MakeChild, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    child = make_child("read _ < gate; exit 3", clock=lambda: 100.0)
    await child.start(SERVERS)
    async with anyio.create_task_group() as group:
        group.start_soon(child.wait_for_change)
        group.start_soon(child.wait_for_change)
        await anyio.wait_all_tasks_blocked()
        await open_fifo(tmp_path / "gate")
    assert child.state == Exited(3, 100.0 + Backoff().delay(1, 0.5), 1)
    assert child.last_exit == 3


async def test_a_death_before_anyone_waits_is_not_missed(make_child: MakeChild) -> None:
    child = make_child("exit 3")
    await child.start(SERVERS)
    pid = pid_of(child)
    await poll_until(lambda: not is_alive(pid))
    await child.wait_for_change()
    exited(child)


async def test_the_code_after_a_signal_is_that_of_a_shell(make_child: MakeChild) -> None:
    child = make_child("kill -KILL $$")
    await child.start(SERVERS)
    await child.wait_for_change()
    assert exited(child).code == 128 + signal.SIGKILL


async def test_a_waiter_before_the_start_sees_the_exit(make_child: MakeChild) -> None:
    child = make_child("exit 3")
    async with anyio.create_task_group() as group:
        group.start_soon(child.wait_for_change)
        await anyio.lowlevel.checkpoint()
        await child.start(SERVERS)
    exited(child)


async def test_an_end_on_purpose_is_not_a_death(make_child: MakeChild) -> None:
    child = make_child(FOREVER)
    deaths: list[object] = []

    async def watch() -> None:
        while True:
            await child.wait_for_change()
            deaths.append(child.state)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        for _ in range(3):
            await child.start(SERVERS)
            await anyio.lowlevel.checkpoint()
            await child.stop()
        await poll_until(lambda: child.state == NotLaunched())
        group.cancel_scope.cancel()
    assert not [state for state in deaths if isinstance(state, Exited)]


async def test_deaths_in_a_row_wait_longer_and_longer_up_to_the_cap(make_child: MakeChild) -> None:
    backoff = Backoff(first=1.0, factor=3.0, cap=20.0)
    child = make_child("exit 3", backoff=backoff, clock=lambda: 0.0)
    waits = []
    for _ in range(5):
        await child.start(SERVERS)
        await child.wait_for_change()
        waits.append(exited(child).retry_at)
    # Jitter 0.5: three quarters of 1, 3, 9, and then of the cap.
    assert waits == [0.75, 2.25, 6.75, 15.0, 15.0]


async def test_failures_are_forgiven_after_it_stayed_up(make_child: MakeChild, tmp_path: Path) -> None:
    now = 0.0
    os.mkfifo(tmp_path / "gate")
    child = make_child("read _ < gate; exit 3", clock=lambda: now)
    counted = []
    for up in (1.0, 1.0, Backoff().reset_after, 1.0):
        await child.start(SERVERS)
        now += up
        await open_fifo(tmp_path / "gate")
        await child.wait_for_change()
        counted.append(exited(child).failures)
    assert counted == [1, 2, 1, 2]


async def test_a_requested_stop_resets_the_count(make_child: MakeChild) -> None:
    child = make_child("exit 3")
    for _ in range(2):
        await child.start(SERVERS)
        await child.wait_for_change()
    await child.stop()
    await child.start(SERVERS)
    await child.wait_for_change()
    assert exited(child).failures == 1


@pytest.mark.parametrize(
    ("argv", "code", "reason"),
    [
        (("no-such-command-anywhere",), 127, "it is not in PATH"),
        (("./missing.sh",), 127, "there is no such file"),
        (("./not-executable.sh",), 126, "chmod +x"),
        (("./no-first-line",), 126, "#!/bin/sh"),
        (("./no-interpreter",), 127, "interpreter"),
        (("/bin/sh", "a\0b"), 126, "argument"),
        (("/",), 126, "cannot be executed"),
    ],
)
async def test_a_program_that_cannot_be_executed_exits_as_in_a_shell(
    argv: tuple[str, ...],
    code: int,
    reason: str,
    make_child: MakeChild,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "not-executable.sh").write_text("#!/bin/sh\n")
    (tmp_path / "no-first-line").write_bytes(b"\x00\x01\x02")
    (tmp_path / "no-first-line").chmod(0o755)
    (tmp_path / "no-interpreter").write_text("#!/no/such/interpreter\n")
    (tmp_path / "no-interpreter").chmod(0o755)
    child = make_child(argv, clock=lambda: 0.0)
    await child.start(SERVERS)
    first = exited(child)
    assert first == Exited(code, Backoff().delay(1, 0.5), 1, first.reason)
    assert reason in first.reason
    assert child.last_exit == code
    assert reason in reason_in_log(caplog)
    assert "Traceback" not in caplog.text
    await child.start(SERVERS)
    assert child.state == Exited(code, Backoff().delay(2, 0.5), 2, first.reason)


def reason_in_log(caplog: pytest.LogCaptureFixture) -> str:
    """The reason in the log for which the process was not started."""
    (record,) = [each for each in caplog.records if each.getMessage() == "process not started"]
    return str(vars(record)["sidecar_fields"]["reason"])


async def test_a_missing_folder_to_run_in_is_named(
    make_child: MakeChild, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    child = make_child(FOREVER, cwd=tmp_path / "missing")
    await child.start(SERVERS)
    assert exited(child).code == 126
    assert f"cannot run in the folder {tmp_path}/missing" in reason_in_log(caplog)


async def test_a_signal_reaches_every_member(make_child: MakeChild, tmp_path: Path) -> None:
    member = "trap 'echo 1 > member-heard' USR1; echo 1 > ready; while :; do sleep 1000 & wait; done"
    leader = "trap 'echo 1 > leader-heard' USR1"
    child = make_child(f'{leader}; sh -c "{member}" & while :; do wait; done')
    await child.start(SERVERS)
    await read_pid(tmp_path / "ready")
    child.signal(signal.SIGUSR1)
    await read_pid(tmp_path / "member-heard")
    await read_pid(tmp_path / "leader-heard")


async def test_a_signal_to_nothing_is_no_error(make_child: MakeChild) -> None:
    child = make_child("exit 0")
    child.signal(signal.SIGHUP)
    await child.start(SERVERS)
    await child.wait_for_change()
    child.signal(signal.SIGHUP)


async def test_a_read_only_state_folder_does_not_prevent_the_start(
    make_child: MakeChild, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("in the way")
    child = make_child(FOREVER)
    await child.start(SERVERS)
    running(child)
    assert "process not saved" in caplog.text


async def test_one_that_cannot_be_ended_is_in_trouble_and_tried_again(
    make_child: MakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object) -> bool:
        return False

    child = make_child(FOREVER, clock=lambda: 100.0)
    await child.start(SERVERS)
    with monkeypatch.context() as patched:
        patched.setattr(Session, "end", stuck)
        await child.stop()
        trouble = running(child).restart_failure
    assert trouble is not None
    assert (trouble.reason, trouble.failures) == ("it cannot be ended", 1)
    assert trouble.retry_at == 100.0 + Backoff().delay(1, 0.5)
    await child.stop()
    assert child.state == NotLaunched()
