"""A scanner for JSON text that records the position of every value.

The standard library's decoder reports no positions of values, silently keeps the last of two equal keys,
accepts NaN as a number and recurses as deep as the text does. Here each of these is a problem with a
position.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import NoReturn

from sidecar.domain.errors import Problem
from sidecar.domain.printing import MAX_PROBLEMS, format_value, pointer_to, printable

MAX_DEPTH = 64
BOM = "\ufeff"

_MAX_SPAN_DEPTH = 2  # schemas describe no deeper than the items of a top-level list
_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z]++")
_WORDS = {"true": True, "false": False, "null": None}
_HINTS = {
    "'": "strings are written in double quotes",
    "/": "JSON has no comments; remove it",
    "#": "JSON has no comments; remove it",
    "}": "there may be an extra comma, or a missing value, before it",
    "]": "there may be an extra comma, or a missing value, before it",
    '"': "a comma may be missing before it",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, as character offsets."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ObjectMember:
    """One key of the top-level object: the offset of its opening quote, and the span of its value."""

    key: str
    start: int
    value: Span


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan. ``value`` is meaningless if ``is_broken``: a syntax error ended the scan.

    ``spans`` has the span of each value by JSON Pointer, two levels deep; ``members`` each top-level key,
    also repeated ones; ``unrepresentable`` the pointers of values that no program can hold (1e999).
    """

    value: object
    spans: dict[str, Span]
    members: tuple[ObjectMember, ...]
    problems: tuple[Problem, ...]
    unrepresentable: frozenset[str]
    is_broken: bool


def scan(text: str) -> Scan:
    """Read ``text``, which may begin with a byte order mark. Never raises."""
    scanner = _Scanner(text)
    value, broken = None, False
    try:
        value = scanner.document()
    except _BrokenError:
        broken = True
    return Scan(
        value,
        scanner.spans,
        tuple(scanner.members),
        tuple(scanner.problems),
        frozenset(scanner.unrepresentable),
        broken,
    )


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of ``offset``, from 1; a byte order mark has no column, as in an editor."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return line, column - (1 if line == 1 and text.startswith(BOM) else 0)


class _BrokenError(Exception):
    """The syntax is wrong; the problem is recorded."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith(BOM) else 0
        self.spans: dict[str, Span] = {}
        self.members: list[ObjectMember] = []
        self.problems: list[Problem] = []
        self.unrepresentable: set[str] = set()

    def document(self) -> object:
        self._skip()
        value = self._value("", 0)
        self._skip()
        if self._at < len(self._text):
            self._unexpected("the end of the file")
        return value

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _value(self, pointer: str, depth: int) -> object:
        start = self._at
        if depth > MAX_DEPTH:
            what = f"is nested more than {MAX_DEPTH} levels deep"
            self._note(pointer, start, what, "flatten it")
            raise _BrokenError
        first = self._text[start : start + 1]
        value: object
        if first == '"':
            value = self._string()
        elif first == "{":
            value = self._object(pointer, depth)
        elif first == "[":
            value = self._array(pointer, depth)
        else:
            value = self._scalar(pointer)
        if depth <= _MAX_SPAN_DEPTH:
            self.spans[pointer] = Span(start, self._at)
        return value

    def _object(self, pointer: str, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self._at += 1
        self._skip()
        if self._take("}"):
            return found
        while True:
            start = self._at
            if self._text[start : start + 1] != '"':
                self._unexpected("a key in double quotes")
            key = self._string()
            here = pointer_to(pointer, key)
            if key in found:
                hint = "keep one of them; programs differ in which one they use"
                self._note(here, start, f"the key {format_value(key)} appears twice", hint)
            self._skip()
            if not self._take(":"):
                self._unexpected("a colon after the key")
            self._skip()
            value_at = self._at
            found[key] = self._value(here, depth + 1)
            if depth == 0:
                self.members.append(ObjectMember(key, start, Span(value_at, self._at)))
            if self._ends_with("}"):
                return found

    def _array(self, pointer: str, depth: int) -> list[object]:
        found: list[object] = []
        self._at += 1
        self._skip()
        if self._take("]"):
            return found
        while True:
            found.append(self._value(pointer_to(pointer, len(found)), depth + 1))
            if self._ends_with("]"):
                return found

    def _ends_with(self, closing: str) -> bool:
        self._skip()
        if self._take(closing):
            return True
        if not self._take(","):
            self._unexpected(f"a comma or {closing}")
        self._skip()
        return False

    def _take(self, char: str) -> bool:
        taken = self._text.startswith(char, self._at)
        self._at += taken
        return taken

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            what = "a string does not end, or contains a line break, a tab or an unknown escape"
            self._note("", self._at, what, 'end it with ", and write special characters as \\n, \\t and \\\\')
            raise _BrokenError
        self._at = match.end()
        literal = match.group()
        return str(json.loads(literal)) if "\\" in literal else literal[1:-1]

    def _scalar(self, pointer: str) -> object:
        start = self._at
        if number := _NUMBER.match(self._text, start):
            self._at = number.end()
            return self._number(pointer, start, number.group())
        word = _WORD.match(self._text, start)
        name = word.group() if word else ""
        self._at = start + len(name)
        if name in _WORDS:
            return _WORDS[name]
        if name in {"NaN", "Infinity", "-Infinity"}:
            self._note_unrepresentable(pointer, start, f"{name} is not JSON", "write a number, or null")
            return None
        self._at = start
        return self._unexpected("a value")

    def _number(self, pointer: str, start: int, literal: str) -> object:
        # float() first: it takes any length, int() refuses more than 4,300 digits.
        approximate = float(literal)
        if math.isinf(approximate):
            what = f"{format_value(literal)[1:-1]} is too large for a number"
            self._note_unrepresentable(pointer, start, what, "numbers go up to about 1.8e308")
            return None
        return int(literal) if literal.lstrip("-").isdigit() else approximate

    def _note_unrepresentable(self, pointer: str, start: int, what: str, hint: str) -> None:
        self.unrepresentable.add(pointer)
        self._note(pointer, start, what, hint)

    def _note(self, pointer: str, offset: int, what: str, hint: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            line, column = position(self._text, offset)
            self.problems.append(Problem(printable(pointer), what, hint, line, column))

    def _unexpected(self, expected: str) -> NoReturn:
        char = self._text[self._at : self._at + 1]
        what = f"expected {expected}, found {repr(char) if char else 'the end of the file'}"
        hint = _HINTS.get(char, "the file is not valid JSON here")
        if not self._text.strip():
            what, hint = "the file is empty", "write a JSON object"
        self.problems.append(Problem("", what, hint, *position(self._text, self._at)))
        raise _BrokenError
