"""The exit codes, and the errors behind each."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.domain import errors
from sidecar.domain.errors import ExitCode, SidecarError, Transient
from tools.reference.markdown import docstring, page, table

INTRO = """
The numbers are those of BSD's `sysexits.h`. `sidecar run` ends with the exit code of its process when it
was stopped, such as 143 for a process that SIGTERM ended. What to do about each:
[Troubleshooting](../troubleshooting.md#an-exit-code).

Beside these, `sidecar health` exits with 1 when the answer is no, `sidecar demo` with 1 when a check
failed; and as with every program, 130 means Ctrl-C, and 141 that the reader of its output went away.
"""


def exit_codes() -> str:
    """The page."""
    rows = ((str(code.value), code.name, " ".join(_causes(code)) or _WITHOUT[code]) for code in ExitCode)
    return page("Exit codes", INTRO, table(("code", "name", "cause"), rows))


_WITHOUT = {ExitCode.OK: "Everything was done.", ExitCode.INTERNAL: "An internal error: please report it."}
"""The causes of the codes without an error."""


def _causes(code: ExitCode) -> Iterator[str]:
    for error in vars(errors).values():
        own = isinstance(error, type) and issubclass(error, SidecarError) and "exit_code" in vars(error)
        if own and error.exit_code is code and error not in (SidecarError, Transient):
            yield docstring(error).partition("\n")[0]
    inherited = (each for each in _leaves(SidecarError) if "exit_code" not in vars(each))
    yield from (docstring(each).partition("\n")[0] for each in inherited if each.exit_code is code)


def _leaves(error: type[SidecarError]) -> Iterator[type[SidecarError]]:
    below = error.__subclasses__()
    if not below:
        yield error
    for each in below:
        yield from _leaves(each)
