"""The state of a Kubernetes cluster for tests: its objects, its rights, and the requests so far."""

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
    """A request, and the status code of its answer."""

    verb: str
    path: str
    query: dict[str, str]
    body: Json
    status: int


@dataclass
class Cluster:
    """The objects, the rights, and the requests so far."""

    rules: tuple[Rule, ...] = POD_RULES
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: USER})
    objects: dict[str, Json] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    events: list[tuple[int, str, Json]] = field(default_factory=list)
    compacted_version: int = 0  # changes up to here are compacted and cannot be watched
    version: int = 1
    busy_answers: list[web.Response] = field(default_factory=list)  # the answers to the next calls
    replaces_deleted: bool = True  # whether deleted pods are replaced at once, without a controller
    hung: bool = False  # connections are accepted, and requests get no answer
    before_patches: list[Callable[[], object]] = field(default_factory=list)  # run before the next patches
    changed: anyio.Event = field(default_factory=anyio.Event)
    request_received: anyio.Event = field(default_factory=anyio.Event)

    def put(self, path: str, thing: Json) -> Json:
        """Create or replace an object, as a controller or the kubelet does."""
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
        """Discard the changes so far; a watch from before them gets an error."""
        self.compacted_version = self.version
        self.signal_change()

    def drop_streams(self) -> None:
        """End every watch, as a server that restarts does."""
        self.events.append((self.version, "END", {}))
        self.signal_change()

    def verbs(self) -> list[str]:
        """The requests in order, without watches."""
        return [f"{call.verb} {call.path}" for call in self.calls if call.verb != "watch"]

    async def wait_for_request(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds; it is checked after each request."""
        while not condition():
            await self.request_received.wait()

    async def wait_for_change(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds; it is checked after each change of an object."""
        while not condition():
            await self.changed.wait()

    def record(self, call: Call) -> None:
        """Record a request."""
        self.calls.append(call)
        self.request_received.set()
        self.request_received = anyio.Event()

    def _emit(self, kind: str, thing: Json) -> None:
        self.events.append((self.version, kind, copy.deepcopy(thing)))
        self.signal_change()

    def hang(self, hung: bool) -> None:
        """While it hangs, requests never get an answer."""
        self.hung = hung

    def signal_change(self) -> None:
        """Let everything that waits for a change check again."""
        self.changed.set()
        self.changed = anyio.Event()
