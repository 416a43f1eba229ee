"""A configuration file as a value: its text, byte for byte, and what the sidecar needs of it.

Only ``FederatedServers`` belongs to the sidecar. Everything else in the text is kept, also what
programs ignore (key order, indentation, line ends, a byte order mark).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePath

from sidecar.domain.documents.json_scanner import Scan, Span, position, scan
from sidecar.domain.documents.list_format import array_text, comma
from sidecar.domain.documents.validation import find_problems
from sidecar.domain.errors import BadFile, Problem
from sidecar.domain.identity import Role
from sidecar.domain.printing import MAX_PROBLEMS
from sidecar.domain.servers import NodeID, ServerList

SERVERS_KEY = "FederatedServers"
MAX_BYTES = 1 << 20

# The longer marks first: UTF-32's begins with UTF-16's.
_OTHER_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_FILE_NAME = re.compile(r"(federated|config)[^/]*\.json", re.IGNORECASE)
_ROLES = {"federated": Role.FEDERATED, "config": Role.DATABASE}


@dataclass(frozen=True, slots=True)
class Document:
    """A valid ``federated.json`` or ``config.json``; ``array`` is the place of its list in the text."""

    text: str
    role: Role
    servers: ServerList
    node_id: NodeID | None
    port: int | None
    array: Span

    @classmethod
    def parse(cls, data: bytes, *, source: str, role: Role) -> Document:
        """Return the document that ``data`` holds, or raise `BadFile` with all of its problems."""
        text, undecodable = _decode(data)
        if undecodable:
            raise BadFile(source, (undecodable,))
        found = scan(text)
        wrong = found.problems if found.is_broken else _all_problems(text, found, role)
        if wrong or not isinstance(found.value, dict):
            raise BadFile(source, wrong)
        value = found.value
        return cls(
            text=text,
            role=role,
            servers=ServerList.parse(value[SERVERS_KEY]),
            node_id=NodeID(value["NodeID"]) if "NodeID" in value else None,
            port=int(value["Port"]) if "Port" in value else None,
            array=found.spans[f"/{SERVERS_KEY}"],
        )

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return self.text.encode()

    def with_servers(self, servers: ServerList) -> Document:
        """This document with that list; itself if it has an equal list already."""
        if servers == self.servers:
            return self
        array = array_text(self.text, self.array, servers)
        start = self.array.start
        text = f"{self.text[:start]}{array}{self.text[self.array.end :]}"
        return replace(self, text=text, servers=servers, array=Span(start, start + len(array)))


def replace_servers(data: bytes, servers: ServerList) -> bytes | None:
    """Return ``data`` with that list under ``FederatedServers``, whatever the key held, or without the key.

    If the key appears twice, only the first one is kept. None if ``data`` is not the text of a JSON object.
    The result may have other problems.
    """
    text, undecodable = _decode(data)
    found = scan(text)
    if undecodable or found.is_broken or not isinstance(found.value, dict):
        return None
    places = [index for index, member in enumerate(found.members) if member.key == SERVERS_KEY]
    # From the end, so that the offsets before an edit stay valid.
    for index in reversed(places[1:]):
        start, end = found.members[index - 1].value.end, found.members[index].value.end
        text = f"{text[:start]}{text[end:]}"
    if not places:
        return _insert_list(text, found, servers).encode()
    array = found.members[places[0]].value
    return f"{text[: array.start]}{array_text(text, array, servers)}{text[array.end :]}".encode()


def role_of(file_name: str) -> Role | None:
    """The role that a file's name implies (``federated*.json``, ``config*.json``), or None."""
    match = _FILE_NAME.fullmatch(PurePath(file_name).name)
    return _ROLES[match.group(1).lower()] if match else None


def _decode(data: bytes) -> tuple[str, Problem | None]:
    """The text of ``data``, or the problem that prevents decoding it."""
    if len(data) > MAX_BYTES:
        return "", Problem("", "is larger than 1 MiB", "check that this is the right file")
    for mark, name in _OTHER_BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return "", Problem("", f"is encoded as {name}", "save it as UTF-8", 1, 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        before = data[: exc.start].decode()
        line, column = position(before, len(before))
        what = f"byte {exc.start} (0x{data[exc.start]:02x}) is not UTF-8"
        return "", Problem("", what, "save the file as UTF-8 (it may be Latin-1)", line, column)
    if "\0" in text:
        at = text.index("\0")
        hint = "remove it, or save the file as UTF-8 if it is UTF-16"
        return "", Problem("", f"byte {len(text[:at].encode())} is NUL", hint, *position(text, at))
    return text, None


def _all_problems(text: str, found: Scan, role: Role) -> tuple[Problem, ...]:
    """The problems found by the scanner and by the schema, in file order, each with its place in ``text``."""
    by_schema = [
        _with_position(problem, text, found)
        for problem in find_problems(role.value, found.value)
        if problem.where not in found.unrepresentable
    ]
    wrong = sorted([*found.problems, *by_schema], key=lambda problem: (problem.line, problem.column))
    return tuple(wrong[:MAX_PROBLEMS])


def _with_position(problem: Problem, text: str, found: Scan) -> Problem:
    place = found.spans.get(problem.where, found.spans[""])
    line, column = position(text, place.start)
    return replace(problem, line=line, column=column)


def _insert_list(text: str, found: Scan, servers: ServerList) -> str:
    """``text`` with the list as the last key of its object, spaced like the keys before it."""
    if not found.members:
        at = found.spans[""].start + 1
        head = f'{text[:at]}"{SERVERS_KEY}": '
    else:
        first, last = found.members[0], found.members[-1]
        at = last.value.end
        # A single key on the line of the brace does not show how keys are separated.
        before = text[found.spans[""].start + 1 : first.start] or comma(text)[1:]
        if len(found.members) > 1:
            before = text[found.members[-2].value.end : last.start].partition(",")[2]
        between = text[last.start : last.value.start]
        colon = between[between.rindex('"') + 1 :]
        head = f'{text[:at]},{before}"{SERVERS_KEY}"{colon}'
    array = array_text(head, Span(len(head), len(head)), servers)
    return f"{head}{array}{text[at:]}"
