"""The version of a release: one source, its copies, the changelog and the tag.

    tools/release.py version                    print the version
    tools/release.py set VERSION                write it to the source and to every copy
    tools/release.py check [--tag TAG]          refuse a release whose version, changelog and tag disagree
    tools/release.py notes                      print the changelog of this version

The source is sidecar/__init__.py. Manifests, poms and the Dockerfile cannot read it, and hold copies.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SOURCE = "sidecar/__init__.py"
CHANGELOG = "CHANGELOG.md"
MAX_NAMES = 5
VERSION = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"

# Each copy of the version: a pattern of files, and the text around it. Each file must have it at least once.
COPIES = (
    (SOURCE, r'^__version__ = "(V)"$'),
    ("pyproject.toml", r"federation-sidecar-demo==(V)"),
    ("demo/pyproject.toml", r'^version = "(V)"$'),
    ("demo/pyproject.toml", r"federation-sidecar==(V)"),
    ("Dockerfile", r"^ARG VERSION=(V)$"),
    ("k8s/base/db.yaml", r"image: federation-sidecar:(V)$"),
    ("k8s/base/fed.yaml", r"image: federation-sidecar:(V)$"),
    ("k8s/overlays/demo/kustomization.yaml", r"federation-sidecar, .*newTag: (V)\b"),
    ("k8s/overlays/production/kustomization.yaml", r"federation-sidecar, .*newTag: (V)\b"),
    ("java/pom.xml", r"^  <version>(V)</version>$"),
    ("java/*/pom.xml", r"^    <version>(V)</version>$"),
    ("java/examples/*/pom.xml", r"^    <version>(V)</version>$"),
)
_SECTION = re.compile(r"^## +(.*)$", re.MULTILINE)
_DATED = re.compile(rf"^\[?({VERSION})\]? - (\d{{4}}-\d\d-\d\d)$")


@dataclass(frozen=True, slots=True)
class Section:
    """One release in the changelog: its heading and the text below it."""

    heading: str
    text: str


class Tree:
    """A checkout of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, file: str) -> str:
        path = self.root / file
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def git(self, *words: str) -> str:
        """Return the output of git; empty if it fails."""
        done = subprocess.run(["git", "-C", self.root, *words], check=False, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    def copies(self) -> Iterator[tuple[Path, re.Pattern[str]]]:
        """Each file that holds the version, with the pattern that finds it there."""
        for files, around in COPIES:
            pattern = re.compile(around.replace("(V)", f"({VERSION})"), re.MULTILINE)
            found = sorted(self.root.glob(files))
            yield from ((path, pattern) for path in found or [self.root / files])

    def version(self) -> str:
        """Return the version of the source; empty if it has none."""
        found = re.search(rf'^__version__ = "({VERSION})"$', self.read(SOURCE), re.MULTILINE)
        return found[1] if found else ""

    def sections(self) -> list[Section]:
        """Return the sections of the changelog, newest first."""
        _, *parts = _SECTION.split(self.read(CHANGELOG))
        return [Section(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def check_copies(tree: Tree) -> Iterator[str]:
    """Yield a complaint for each copy of the version that differs from the source."""
    version = tree.version()
    if not version:
        yield f'{SOURCE}: no version found; write __version__ = "1.2.3"'
        return
    for path, pattern in tree.copies():
        name = path.relative_to(tree.root)
        found = set(pattern.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()
        if not found:
            yield f"{name}: no version found; expected {version}"
        for other in sorted(found - {version}):
            yield f"{name}: the version is {other}, but {version} in {SOURCE}; run tools/release.py set"


def check_changelog(tree: Tree, today: date) -> Iterator[str]:
    """Yield a complaint for each way in which the changelog is not cut for this version."""
    version, sections = tree.version(), tree.sections()
    if not sections or sections[0].heading.strip("[]") != "Unreleased":
        yield f"{CHANGELOG}: no section Unreleased at the top; add an empty one"
        return
    if sections[0].text.strip():
        yield f"{CHANGELOG}: Unreleased is not empty; move what it lists to the section of {version}"
    dated = [(found, section) for section in sections if (found := _DATED.match(section.heading))]
    mine = [(found, section) for found, section in dated if found[1] == version]
    if not mine:
        yield f"{CHANGELOG}: no dated section for {version}; add: ## {version} - {today:%Y-%m-%d}"
        return
    if dated[0][0][1] != version:
        yield f"{CHANGELOG}: {dated[0][0][1]} stands above {version}; the newest release goes first"
    found, section = mine[0]
    if not re.search(r"^[^#\s]", section.text, re.MULTILINE):
        yield f"{CHANGELOG}: the section of {version} is empty; list what changed"
    try:
        day = date.fromisoformat(found[2])
    except ValueError:
        yield f"{CHANGELOG}: {found[2]} is not a date"
        return
    if day > today + timedelta(days=1):  # in some time zone it is tomorrow already
        yield f"{CHANGELOG}: {version} is dated {day}, which is in the future; today is {today}"


def check_git(tree: Tree, tag: str) -> Iterator[str]:
    """Yield a complaint if the tree is dirty or a tag is another version's; ``tag`` may be empty."""
    version = tree.version()
    head = tree.git("rev-parse", "--verify", "HEAD")
    if not head:
        yield "git: no commit here; run this in a clone of the repository"
        return
    if changed := tree.git("status", "--porcelain"):
        yield f"git: the tree is dirty; commit or remove: {', '.join(_names(changed))}"
    wanted = f"v{version}"
    at_head = [name for name in tree.git("tag", "--points-at", "HEAD").splitlines() if _release(name)]
    if tag and tag != wanted:
        yield f"git: the tag is {tag}, but the version is {version} (tag {wanted})"
    elif tag and tag not in at_head:
        yield f"git: the tag {tag} does not point at this commit; check it out, or tag this commit"
    elif wanted not in at_head and tree.git("tag", "--list", wanted):
        yield f"git: the tag {wanted} points at another commit, so {version} is released; raise the version"
    for other in at_head:
        if other not in (wanted, tag):
            yield f"git: this commit has the tag {other}, but the version is {version} (tag {wanted})"


def _names(changed: str) -> list[str]:
    names = [line.split(maxsplit=1)[-1] for line in changed.splitlines()]
    return names if len(names) <= MAX_NAMES else [*names[:MAX_NAMES], f"and {len(names) - MAX_NAMES} more"]


def _release(tag: str) -> bool:
    return re.fullmatch(f"v{VERSION}", tag) is not None


def check(tree: Tree, tag: str, today: date) -> int:
    """Print every complaint, or that the release is ready; return the exit code."""
    complaints = [*check_copies(tree), *check_changelog(tree, today), *check_git(tree, tag)]
    if complaints:
        print("Not ready to be released:", *complaints, sep="\n  ", file=sys.stderr)
        return 1
    version = tree.version()
    tagged = f"v{version}" in tree.git("tag", "--points-at", "HEAD").splitlines()
    after = (
        "the tag, the version and the changelog agree"
        if tagged
        else f"to tag it: git tag -a v{version} -m {version}"
    )
    print(f"{version} can be released; {after}")
    return 0


def set_version(tree: Tree, version: str) -> int:
    """Write ``version`` to the source and to every copy; return the exit code."""
    if not re.fullmatch(VERSION, version):
        print(f"{version} is not a version; write it as 1.2.3 or 1.2.3rc1", file=sys.stderr)
        return 1
    for path, pattern in tree.copies():
        text = path.read_text(encoding="utf-8")
        path.write_text(
            pattern.sub(lambda found: found[0].replace(found[1], version), text), encoding="utf-8"
        )
    return check_everything(check_copies(tree))


def check_everything(complaints: Iterator[str]) -> int:
    """Print ``complaints``; return the exit code."""
    found = list(complaints)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


def notes(tree: Tree) -> int:
    """Print the changelog of this version; return the exit code."""
    for section in tree.sections():
        dated = _DATED.match(section.heading)
        if dated and dated[1] == tree.version():
            print(section.text.strip())
            return 0
    print(f"{CHANGELOG}: no dated section for {tree.version()}", file=sys.stderr)
    return 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        "tools/release.py", description="One version, its changelog and its tag."
    )
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help=argparse.SUPPRESS
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("version", help="print the version")
    verbs.add_parser("notes", help="print the changelog of this version")
    verbs.add_parser("set", help="write the version everywhere").add_argument("version")
    checking = verbs.add_parser("check", help="refuse a release whose version, changelog and tag disagree")
    checking.add_argument("--tag", default="", help="the tag to release")
    asked = parser.parse_args(argv)
    tree = Tree(asked.root)
    match asked.verb:
        case "version":
            print(tree.version())
            return 0
        case "notes":
            return notes(tree)
        case "set":
            return set_version(tree, asked.version)
        case _:
            return check(tree, asked.tag, datetime.now(UTC).date())


if __name__ == "__main__":
    sys.exit(main())
