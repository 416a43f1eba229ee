"""Every log event, collected from the calls of `sidecar.logs.event` in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sidecar.domain.records.report import Phase
from tools.reference.markdown import code, page, table

SOURCE = Path(__file__).parents[2] / "sidecar"

INTRO = """
One line for each event, on standard error: `--log-format console` for people, `json` for collectors (`ts`,
`level`, `event`, the fields, `logger`). A field whose name says password, token or secret is shown as
`***`. A part of an event in `…` differs from case to case. What to do about those that ask for something:
[Troubleshooting](../troubleshooting.md#a-log-line).
"""

PHASES = (
    "The phase of the node, whenever it or its reason changes, is an event too, with the field `reason`: "
)

_LEVELS = ("error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True, order=True)
class LogEvent:
    """One event: its text, its level, its fields, and the module that logs it."""

    text: str
    level: str
    fields: tuple[str, ...]
    module: str


def log_events() -> str:
    """The page."""
    parts = [INTRO, PHASES + ", ".join(code(phase.value) for phase in Phase) + "."]
    modules: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for each in collect():
        modules.setdefault((each.level, each.text, each.fields), set()).add(each.module)
    for level in _LEVELS:
        rows = [
            (code(text), ", ".join(map(code, fields)), ", ".join(map(code, sorted(places))))
            for (of, text, fields), places in sorted(modules.items())
            if of == level
        ]
        if rows:
            parts += [f"## {level.capitalize()}", table(("event", "fields", "module"), rows)]
    return page("Log events", *parts)


def collect() -> Iterator[LogEvent]:
    """Yield every event that the package can log, except the phases of a node."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        module = ".".join(("sidecar", *path.relative_to(SOURCE).with_suffix("").parts))
        yield from _Module(tree, module).events()


class _Module:
    """The calls of one module; a name is resolved in the function around the call, then in the module."""

    def __init__(self, tree: ast.Module, module: str) -> None:
        self._tree = tree
        self._module = module

    def events(self) -> Iterator[LogEvent]:
        functions = [
            each for each in ast.walk(self._tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        for function in functions:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _is_event(call) and _innermost(call, functions) is function:
                    yield from self._event(call, function)

    def _event(self, call: ast.Call, function: ast.AST) -> Iterator[LogEvent]:
        _, level, message, *_ = call.args
        fields = tuple(each.arg for each in call.keywords if each.arg)
        for text in self._texts(message, function):
            if text:
                yield LogEvent(text, self._level(level, function), fields, self._module)

    def _level(self, level: ast.expr, function: ast.AST) -> str:
        if isinstance(level, ast.Attribute):
            return level.attr.lower()
        found = [each for value in self._values(level, function) for each in ast.walk(value)]
        named = [each.attr.lower() for each in found if isinstance(each, ast.Attribute)]
        return min((each for each in named if each in _LEVELS), key=_LEVELS.index, default="info")

    def _texts(self, message: ast.expr, function: ast.AST) -> Iterator[str]:
        """What the message can be; "" for what is a value alone (a phase, a reason)."""
        match message:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
            case ast.IfExp(body=one, orelse=other):
                yield from self._texts(one, function)
                yield from self._texts(other, function)
            case ast.Name():
                for value in self._values(message, function):
                    yield from self._texts(value, function)

    def _values(self, name: ast.expr, function: ast.AST) -> list[ast.expr]:
        """Return the expressions that are assigned to ``name``."""
        wanted = name.id if isinstance(name, ast.Name) else ""
        for scope in (function, self._tree):
            found = [
                each.value
                for each in ast.walk(scope)
                if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None
                for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
                if isinstance(target, ast.Name) and target.id == wanted
            ]
            if found:
                return found
        return []


def _is_event(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="event") | ast.Attribute(value=ast.Name(id="logs"), attr="event"):
            return True
        case _:
            return False


def _innermost(call: ast.Call, functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> ast.AST:
    around = [each for each in functions if any(inner is call for inner in ast.walk(each))]
    return max(around, key=lambda each: each.lineno)
