"""A Kubernetes API server for tests: TLS, tokens, RBAC, preconditions, patches, watches, and errors.

`tests.platforms.kubernetes_api` compares its answers, word for word, with those of a real kube-apiserver.
"""

from __future__ import annotations

import copy
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from aiohttp import web

from tests.kit.certificates import KeyPair
from tests.kubernetes_api.cluster import USER, Call, Cluster
from tests.kubernetes_api.objects import Json, pod

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>apps))/v1/namespaces/(?P<namespace>[^/]+)/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?"
)
_PATCHES = {"application/strategic-merge-patch+json", "application/merge-patch+json"}
_ANNOTATION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")

_NO_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@asynccontextmanager
async def serve_api(cluster: Cluster, certificate: KeyPair) -> AsyncIterator[int]:
    """Serve the API; yields the port on 127.0.0.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await _Request(cluster, request).answer()

    runner = web.ServerRunner(web.Server(handle, handler_cancellation=True), shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class _Refused(Exception):
    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        self.body |= {"message": message, "reason": reason, "code": code}
        if details is not None:
            self.body["details"] = details


class _Request:
    """One request, from its token to its answer."""

    def __init__(self, cluster: Cluster, request: web.BaseRequest) -> None:
        self.cluster = cluster
        self.request = request
        self.verb = request.method.lower()
        self.body: Json = {}

    async def answer(self) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            if self.cluster.hung:
                await anyio.sleep_forever()
            if self.cluster.busy_answers:
                response = self.cluster.busy_answers.pop(0)
            else:
                response = await self._serve()
        except _Refused as refused:
            response = web.json_response(refused.body, status=refused.code)
        self._note(response.status)
        return response

    async def _serve(self) -> web.StreamResponse:
        user = self._user()
        found = _PATH.fullmatch(self.request.path)
        if found is None:
            raise _Refused(404, "NotFound", "the server could not find the requested resource", {})
        group, self.resource, name = found["group"] or "", found["resource"], found["name"]
        query = self.request.query
        if name is None:
            self.verb = "watch" if query.get("watch") in ("1", "true") else "list"
            name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        self.name = name
        self._authorize(user, group, found["namespace"])
        if self.verb == "watch":
            return await self._watch(int(query["resourceVersion"]))
        if self.request.path not in self.cluster.objects:
            qualified = f"{self.resource}.{group}" if group else self.resource
            raise _Refused(404, "NotFound", f'{qualified} "{name}" not found', self._details(group))
        changed = {"get": self._get, "delete": self._delete, "patch": self._patch}[self.verb]
        return web.json_response(await changed(self.cluster.objects[self.request.path]))

    def _user(self) -> str:
        header = self.request.headers.get("Authorization", "")
        if not header:
            return "system:anonymous"
        user = self.cluster.tokens.get(header.removeprefix("Bearer "))
        if user is None:
            raise _Refused(401, "Unauthorized", "Unauthorized")
        return user

    def _authorize(self, user: str, group: str, namespace: str) -> None:
        if user == USER and any(
            r.allows(group, self.resource, self.verb, self.name) for r in self.cluster.rules
        ):
            return
        qualified = f"{self.resource}.{group}" if group else self.resource
        named = f' "{self.name}"' if self.name else ""
        message = (
            f'{qualified}{named} is forbidden: User "{user}" cannot {self.verb} resource "{self.resource}" '
            f'in API group "{group}" in the namespace "{namespace}"'
        )
        raise _Refused(403, "Forbidden", message, self._details(group))

    def _details(self, group: str) -> Json:
        named = {"name": self.name} if self.name else {}
        return named | ({"group": group} if group else {}) | {"kind": self.resource}

    async def _get(self, stored: Json) -> Json:
        return stored

    async def _delete(self, stored: Json) -> Json:
        self.body = await self.request.json()
        metadata = stored["metadata"]
        wanted = self.body.get("preconditions", {}).get("uid")
        if wanted not in (None, metadata["uid"]):
            why = (
                f"the UID in the precondition ({wanted}) does not match the UID in record ({metadata['uid']})"
            )
            message = f"{why}. The object might have been deleted and then recreated"
            raise self._conflict("Pod", {"name": self.name, "kind": "Pod"}, message)
        metadata["deletionTimestamp"] = "2026-01-01T01:00:00Z"
        self.cluster.put(self.request.path, stored)
        if self.cluster.replaces_deleted:
            self.cluster.remove(self.request.path)
            fresh = pod(self.name, uid=f"{metadata['uid']}+", container="c-next")
            self.cluster.put(self.request.path, fresh)
        return stored

    async def _patch(self, stored: Json) -> Json:
        kind = self.request.content_type
        if kind not in _PATCHES:
            raise _Refused(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        self.body = await self.request.json()
        if self.cluster.before_patches:
            self.cluster.before_patches.pop(0)()
            stored = self.cluster.objects[self.request.path]
        wanted = self.body.get("metadata", {}).get("resourceVersion")
        if wanted not in (None, stored["metadata"]["resourceVersion"]):
            details = {"name": self.name, "group": "apps", "kind": self.resource}
            message = (
                "the object has been modified; please apply your changes to the latest version and try again"
            )
            raise self._conflict(f"{self.resource}.apps", details, message)
        merged = _merged(stored, self.body)
        self._validate(merged)
        return self.cluster.put(self.request.path, merged)

    def _validate(self, merged: Json) -> None:
        field = "spec.template.annotations"
        for key in merged["spec"]["template"]["metadata"]["annotations"]:
            if not _ANNOTATION.fullmatch(key):
                what = f'Invalid value: "{key}": {_NO_NAME}'
                causes = [{"reason": "FieldValueInvalid", "message": what, "field": field}]
                details = {"name": self.name, "group": "apps", "kind": merged["kind"], "causes": causes}
                message = f'{merged["kind"]}.apps "{self.name}" is invalid: {field}: {what}'
                raise _Refused(422, "Invalid", message, details)

    def _conflict(self, what: str, details: Json, why: str) -> _Refused:
        return _Refused(
            409, "Conflict", f'Operation cannot be fulfilled on {what} "{self.name}": {why}', details
        )

    async def _watch(self, since: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(self.request)
        self._note(200)
        sent = len(self.cluster.events) - sum(version > since for version, _, _ in self.cluster.events)
        with suppress(ConnectionResetError):  # the client has closed the watch
            await self._stream(response, since, sent)
        return response

    async def _stream(self, response: web.StreamResponse, since: int, sent: int) -> None:
        """Send every event after the first ``sent``, until the server ends the stream."""
        while True:
            changed = self.cluster.changed
            if since < self.cluster.compacted_version:
                message = f"too old resource version: {since} ({self.cluster.compacted_version})"
                await _send(response, "ERROR", _Refused(410, "Expired", message).body)
                return
            for version, kind, thing in self.cluster.events[sent:]:
                sent += 1
                if kind == "END":
                    return
                if thing["metadata"]["name"] == self.name:
                    since = version
                    await _send(response, kind, thing)
            await changed.wait()

    def _note(self, status: int) -> None:
        call = Call(self.verb, self.request.path, dict(self.request.query), self.body, status)
        if not (self.verb == "watch" and call in self.cluster.calls[-1:]):
            self.cluster.record(call)


async def _send(response: web.StreamResponse, kind: str, thing: Json) -> None:
    """Send one event in two pieces, because a client must not rely on whole lines."""
    line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
    await response.write(line[:7])
    await response.write(line[7:])


def _merged(into: Json, patch: Json) -> Json:
    """A merge patch of maps, which is what a strategic one is where there are no lists."""
    merged = copy.deepcopy(into)
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged
