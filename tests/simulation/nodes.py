"""One simulated node: a real sidecar over ports that can be frozen, cut off and killed with -9."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from sidecar.domain.identity import Identity
from sidecar.domain.node.actions import StopForRestart
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.servers import NodeID
from tests.agent.sidecars import Sidecar
from tests.fakes.memory_cluster import MemoryCluster
from tests.simulation.ports import Freezer, SimFile, SimState, SimStore
from tests.simulation.processes import SimProbe, SimProcess

STARTUP_TIMEOUT = StartupTimeout(initial=20.0, max_doublings=2)


class SimSidecar(Sidecar):
    """A node, across any number of executions of its sidecar."""

    freezer: Freezer
    state: SimState
    process: SimProcess
    store: SimStore
    file: SimFile
    watches_silent_since: float = math.inf
    watches_restored_at: float = -math.inf

    @property
    def node(self) -> NodeID:
        return self.identity.node_id

    @property
    def reachable(self) -> bool:
        """Whether its sidecar runs and can reach etcd."""
        return self.running and not self.freezer.frozen and self.store.connected

    def stops_for_restart(self) -> bool:
        in_progress = self.board.view.process.in_progress
        return in_progress is not None and isinstance(in_progress.action, StopForRestart)

    def kill(self) -> None:
        """End its sidecar with SIGKILL: no cleanup, and the process next to it keeps running."""
        self.store.die()
        self.state.dead = self.process.orphaned = True
        self.freezer.thaw()
        self.scope.cancel()

    def freeze(self) -> None:
        self.freezer.freeze()
        self.silence_watches()

    def thaw(self) -> None:
        self.freezer.thaw()
        self.restore_watches()

    def silence_watches(self) -> None:
        """Its watches deliver nothing until `restore_watches`."""
        self.store.freeze_watches()
        self.watches_silent_since = anyio.current_time()

    def watches_were_silent_at(self, moment: float) -> bool:
        """Whether its watches were silent then, the last time that they were."""
        return self.watches_silent_since <= moment <= self.watches_restored_at

    def restore_watches(self) -> None:
        """Its watches deliver, one by one, what they held back."""
        self.store.thaw_watches()
        self.watches_restored_at = anyio.current_time()


def build(
    identity: Identity, data: bytes, cluster: MemoryCluster, process: Callable[[SimFile], SimProcess]
) -> SimSidecar:
    """A node whose sidecar has not been started yet."""
    freezer = Freezer()
    file = SimFile(data, identity.role, freezer=freezer)
    store = SimStore(cluster, delay=lambda: 0.0, freezer=freezer)
    sidecar = SimSidecar(identity, store, file, SimState(), process(file), STARTUP_TIMEOUT)
    sidecar.probe = SimProbe(sidecar.process, freezer=freezer)
    sidecar.freezer = freezer
    sidecar.process.stops_for_restart = sidecar.stops_for_restart
    return sidecar
