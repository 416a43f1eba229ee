"""The figures, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.figures import Figure, format_number

HEAD = ("figure", "median", "min-max", "floor", "ratio", "target", "met")
_WORDS = {True: "yes", False: "NO", None: ""}


def table(figures: Iterable[Figure]) -> str:
    """All figures, a line each, in columns."""
    rows = [HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    ruled = [rows[0], tuple("-" * width for width in widths), *rows[1:]]
    return "\n".join(_line(row, widths) for row in ruled)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((first, *rest)).rstrip()


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{format_number(figure.measured.middle)} {figure.unit}",
        figure.measured.spread,
        f"{format_number(figure.floor.middle)} {figure.unit}" if figure.floor else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        figure.target,
        _WORDS[figure.meets_target],
    )
