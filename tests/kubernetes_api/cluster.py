"""What a Kubernetes cluster for tests holds: its objects, its rights, and what was asked of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from aiohttp import web

from tests.kubernetes_api.objects import Json

TOKEN = "a.projected.token"
USER = "system:serviceaccount:federation:fed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a Role."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def allows(self, group: str, resource: str, verb: str, name: str) -> bool:
        same = (group, resource) == (self.group, self.resource) and verb in self.verbs
        return same and (not self.names or name in self.names)


POD_RULES = (Rule("", "pods", ("get", "watch", "delete"), ("fed-0",)),)
WORKLOAD_RULES = (
    Rule("", "pods", ("get", "watch"), ("fed-0",)),
    Rule("apps", "statefulsets", ("get", "patch"), ("fed",)),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in, and what it was answered with."""

    verb: str
    path: str
    query: dict[str, str]
    body: Json
    status: int


@dataclass
class Cluster:
    """Its objects, its rights, and what was asked of it."""

    rules: tuple[Rule, ...] = POD_RULES
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: USER})
    objects: dict[str, Json] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    events: list[tuple[int, str, Json]] = field(default_factory=list)
    compacted_version: int = 0  # changes up to here are compacted: they cannot be watched any more
    version: int = 1
    busy_answers: list[web.Response] = field(default_factory=list)  # the answers to the next calls
    replaces_deleted: bool = True  # whether what is deleted is replaced at once, by nobody in particular
    hung: bool = False  # connections are taken, and nothing is answered
    before_patches: list[Callable[[], object]] = field(default_factory=list)  # what precedes the next patches
    changed: anyio.Event = field(default_factory=anyio.Event)
    request_received: anyio.Event = field(default_factory=anyio.Event)

    def put(self, path: str, thing: Json) -> Json:
        """Create or replace an object, as a controller or the kubelet would."""
        kind = "MODIFIED" if path in self.objects else "ADDED"
        self.version += 1
        stored = copy.deepcopy(thing)
        stored["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = stored
        self._emit(kind, stored)
        return stored

    def remove(self, path: str) -> None:
        """Remove an object."""
        self.version += 1
        self._emit("DELETED", self.objects.pop(path))

    def compact(self) -> None:
        """Forget the changes so far; a watch from before now is told that it is too old."""
        self.compacted_version = self.version
        self.signal_change()

    def drop_streams(self) -> None:
        """End every watch, as a server that restarts does."""
        self.events.append((self.version, "END", {}))
        self.signal_change()

    def verbs(self) -> list[str]:
        """What was asked, in order, without watches."""
        return [f"{call.verb} {call.path}" for call in self.calls if call.verb != "watch"]

    async def wait_for_request(self, condition: Callable[[], bool]) -> None:
        """Return when ``condition`` holds, looked at after each request."""
        while not condition():
            await self.request_received.wait()

    async def wait_for_change(self, condition: Callable[[], bool]) -> None:
        """Return when ``condition`` holds, looked at after each change of an object."""
        while not condition():
            await self.changed.wait()

    def record(self, call: Call) -> None:
        """Keep what was asked."""
        self.calls.append(call)
        self.request_received.set()
        self.request_received = anyio.Event()

    def _emit(self, kind: str, thing: Json) -> None:
        self.events.append((self.version, kind, copy.deepcopy(thing)))
        self.signal_change()

    def hang(self, hung: bool) -> None:
        """Answer nothing that is asked while it hangs, also not later."""
        self.hung = hung

    def signal_change(self) -> None:
        """Have everybody look again who waits for a change."""
        self.changed.set()
        self.changed = anyio.Event()
