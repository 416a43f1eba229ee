"""The habits that our texts avoid, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Flag, auto


class Kind(Flag):
    """What a text is: some habits matter in one kind alone."""

    STRING = auto()
    DOCSTRING = auto()
    COMMENT = auto()
    TEST_NAME = auto()
    DOCUMENT = auto()
    EVERY = STRING | DOCSTRING | COMMENT | TEST_NAME | DOCUMENT


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a file, and the line where it begins."""

    kind: Kind
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Habit:
    pattern: re.Pattern[str]
    instead: str
    kinds: Kind = Kind.EVERY


@dataclass(frozen=True, slots=True)
class Finding:
    line: int
    found: str
    instead: str


def _habit(pattern: str, instead: str, kinds: Kind = Kind.EVERY) -> Habit:
    return Habit(re.compile(pattern, re.IGNORECASE), instead, kinds)


# Where a sentence begins. Case matters only after a full stop is found, so it does not matter here.
HEAD = r"(?:\A(?!\s)|[.!?]\s+|\n\s*\n|\n\s*[-*]\s+|\n#+\s+|\|\s)[\s(\"'*_]*"
PROSE = Kind.DOCSTRING | Kind.COMMENT | Kind.DOCUMENT | Kind.STRING
NODES = r"(?:servers?|nodes?|sidecars?|members?|newcomers?|leaders?|process(?:es)?)"

HABITS = (
    _habit(r"\banew\b", "again, or a verb with re-: restart, re-execute, re-read"),
    _habit(r"\btold\b", "reported, logged, shown: name what reports it"),
    _habit(r"\btells?\b(?!(?:\s+\S+){0,6}\s+apart\b)", "reports, says, shows, is logged"),
    _habit(r"\bwhoever\b", "the node that, the person who"),
    _habit(HEAD + r"who\b(?![^.?!]*\?)", "the node that, a server that", PROSE),
    _habit(rf"\b{NODES},?\s+whom?\b", "a node is a thing: that, which", PROSE),
    _habit(
        r"(?<!\.)\b(?:no|some|any)body(?:'s)?\b",
        "no node, no leader, no one; a node, someone; any node, anyone",
    ),
    _habit(r"\beverybody(?:'s)?\b", "every node, all nodes, everyone"),
    _habit(r"\bgo(?:es|ing|ne)?\s+on\b|\bwent\s+on\b", "continue, keep running"),
    _habit(HEAD + r"of\s+(?!course\b)", "the subject first", PROSE),
    _habit(r"\A\s*else\b|[;,(]\s*else\b", "(default: …)", Kind.STRING),
    _habit(r"\(default(?:s to| is|:\S| )", "(default: …)", Kind.STRING | Kind.DOCUMENT),
    _habit(r"\bso\s+far\s+as\b", "as far as, when, if"),
    _habit(r"\bheralds?\b", "the reporter"),
    _habit(r"\bpetition(?:s|ed|ing)?\b", "a request, to request"),
    _habit(r"\bdesks?\b", "the leader's context"),
    _habit(r"\bentomb\w*|\bexhum\w*|\bbur(?:y|ied|ies)\b|\bgraves?\b", "tombstone, removed, readmitted"),
    _habit(r"\bheirs?\b", "the successor"),
    _habit(r"\boutlook\b", "the summary of a rollout"),
    _habit(r"\bsurvey(?:s|ed)?\b", "the assessment, to assess"),
    _habit(r"\bjudg(?:e|es|ed|ing|ement|ment)\b", "decide, check, handle"),
    _habit(r"\bballots?\b", "the candidacy, the campaign"),
    _habit(
        r"\blife\b(?!\s*cycle)|\b(?:its|their|two|other|all|of)\s+lives\b",
        "a run, an execution, an incarnation",
    ),
    _habit(r"\bst(?:and(?:s|ing)?|ood)\s+still\b", "is blocked, waits"),
    _habit(r"\bconduct(?:s|ed|ing)?\b", "advance, run"),
    _habit(
        r"\b(?:out\s+of|in|at(?:\s+first)?|lose)\s+sight\b|\bsightings?\b", "visible, observed, a snapshot"
    ),
    _habit(r"\bneighbours?\b", "the process next to it, the next server"),
    _habit(r"\berrands?\b", "a request that is pending"),
    _habit(r"\brivals?\b", "a conflict, the node of the same NodeID"),
    _habit(r"\bborn\b|\bbirths?\b", "started, created; the start"),
    _habit(r"\bvouch(?:es|ed)?\b", "report as healthy"),
    _habit(r"\bwhereabouts\b", "the location"),
    _habit(r"\bcourtroom\b|\bsittings?\b|\bverdicts?\s+is\s+spoken\b", "a batch of requests"),
    _habit(r"\bpresently\b", "shortly, soon"),
    _habit(r"\bin\s+(?:plain\s+|full\s+)?words\b", "with a message, as text, readably"),
    _habit(r"\bis\s+(?:as\s+good\s+as\s+)?dead\s+and\s+gone\b", "has ended"),
    _habit(r"\blooks?\s+after\b|\blooked\s+after\b|\blooking\s+after\b", "manage, supervise"),
)

LONGEST_NAME = 12
TOO_LONG = f"a sentence of at most some ten words ({LONGEST_NAME} at the very most)"


def find(text: Text) -> Iterator[Finding]:
    for habit in HABITS:
        if text.kind not in habit.kinds:
            continue
        for match in habit.pattern.finditer(text.words):
            lines = text.words.count("\n", 0, match.end())
            yield Finding(text.line + lines, " ".join(match[0].split()), habit.instead)
    if text.kind is Kind.TEST_NAME and len(text.words.split()) > LONGEST_NAME:
        yield Finding(text.line, text.words, TOO_LONG)
