"""The texts of this repository: strings, docstrings, comments and test names, and whole documents."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.language.habits import Kind, Text

ROOT = Path(__file__).parents[2]
OURS = (
    *("bench", "demo", "docs", "java", "k8s", "packaging", "schemas", "sidecar", "systemd", "tests", "tools"),
    *("compose", ".github", "Dockerfile", "Makefile", "mkdocs.yml", "pyproject.toml"),
)
SPOKEN = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".json",
    ".toml",
    ".sh",
    ".service",
    ".conf",
    ".java",
    ".go",
    ".xml",
    "",
}
GENERATED = {"__pycache__", "target", "dist", "build", "site", "data"}
QUOTES_HABITS = {ROOT / "STYLE.md", ROOT / "tests" / "language", ROOT / "tests" / "test_language.py"}
SPANISH = ".es.md"
MARKUP = re.compile(r"^[ \t]*(?:#+!?|//|/?\*+/?|>)[ \t]?", re.MULTILINE)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def files(*roots: Path) -> Iterator[Path]:
    """Every file in English that a person wrote, below ``roots`` or in the whole repository."""
    for root in roots or (*(ROOT / name for name in OURS), *ROOT.glob("*.md")):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if _is_ours(path):
                yield path


def _is_ours(path: Path) -> bool:
    if not path.is_file() or path.suffix not in SPOKEN or path.name.endswith(SPANISH):
        return False
    folders = path.relative_to(ROOT).parts[:-1]
    return not GENERATED.intersection(folders) and QUOTES_HABITS.isdisjoint({path, *path.parents})


def texts(path: Path) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".py":
        yield from _strings(ast.parse(source), path.name.startswith("test_"))
        yield from _comments(source)
    else:
        yield Text(Kind.DOCUMENT, 1, source if path.suffix == ".md" else MARKUP.sub("", source))


def _strings(tree: ast.Module, is_test: bool) -> Iterator[Text]:
    docstrings = {id(node) for node in map(_docstring, ast.walk(tree)) if node}
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            yield Text(Kind.STRING, node.lineno, "".join(map(_part, node.values)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            kind = Kind.DOCSTRING if id(node) in docstrings else Kind.STRING
            yield Text(kind, node.lineno, node.value)
        elif is_test and isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
            yield Text(Kind.TEST_NAME, node.lineno, node.name.removeprefix("test_").replace("_", " "))


def _docstring(node: ast.AST) -> ast.Constant | None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        match node.body:
            case [ast.Expr(ast.Constant(str()) as docstring), *_]:
                return docstring
    return None


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def _comments(source: str) -> Iterator[Text]:
    """Comments, those on consecutive lines as one."""
    block: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if block and line != last + 1:
            yield Text(Kind.COMMENT, first, "\n".join(block))
            block = []
        first, last = (first if block else line), line
        block.append(token.string.lstrip("#!: "))
    if block:
        yield Text(Kind.COMMENT, first, "\n".join(block))
