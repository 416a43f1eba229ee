from __future__ import annotations

import os

import anyio
import pytest

from sidecar.adapters.restart.drivers.reexec import ReexecDriver
from sidecar.domain.errors import BadConfiguration, DriverError
from sidecar.domain.servers import ServerList
from tests.kit.processes import DEADLINE

pytestmark = pytest.mark.anyio

SERVERS = ServerList.parse(["http://localhost:9001"])


async def test_its_incarnation_is_this_execution_of_the_program() -> None:
    incarnation = await ReexecDriver("execution-1", anyio.sleep_forever).observe()
    assert incarnation is not None
    assert (incarnation.id, incarnation.pid, incarnation.unready_reason) == ("execution-1", os.getpid(), "")


async def test_a_restart_asks_for_the_next_execution_and_does_not_outlive_it() -> None:
    asked = anyio.Event()

    async def ask() -> None:
        asked.set()

    driver = ReexecDriver("execution-1", ask)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(driver.restart, await driver.observe(), SERVERS)
        with anyio.fail_after(DEADLINE):
            await asked.wait()
            await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert tasks.cancel_scope.cancelled_caught, "the restart was still waiting for its end"


async def test_what_could_not_come_up_again_is_not_executed() -> None:
    async def refuse() -> None:
        raise BadConfiguration("the program is gone")

    driver = ReexecDriver("execution-1", refuse)
    with pytest.raises(DriverError, match="cannot be re-executed: the program is gone"):
        await driver.restart(await driver.observe(), SERVERS)


async def test_it_does_not_stop_itself() -> None:
    driver = ReexecDriver("execution-1", anyio.sleep_forever)
    assert not driver.can_stop
    with pytest.raises(DriverError, match="systemctl stop"):
        await driver.stop()
