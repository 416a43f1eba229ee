"""The grammar of the command line: a parser that raises `UsageError`, options from the table."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from typing import NoReturn

from sidecar.config.table import NETWORK_SETTINGS, Setting
from sidecar.domain.errors import UsageError

HELP_WIDTH = 82  # argparse keeps two of them free


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """One line an option, in 80 columns on every terminal.

    Asking for the terminal's width, as argparse does, loads five compressors with ``shutil``.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=HELP_WIDTH)


class Parser(argparse.ArgumentParser):
    """A command's parser; what it does not understand is a `UsageError` that says what would be."""

    def __init__(
        self, command: str, arguments: str, description: str, epilog: str, *, hint: str = ""
    ) -> None:
        """``hint`` is what to say to somebody who gave a word too many."""
        super().__init__(
            prog=f"sidecar {command}",
            usage=f"sidecar {command} {arguments}",
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,  # a script must not break when an option is added
            add_help=False,
        )
        self._stray = hint or f"it takes {arguments.removesuffix('[OPTION]…').strip() or 'options only'}"
        self.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return what ``argv`` says. Raises `UsageError`."""
        arguments, unknown = self.parse_known_args(list(argv))
        if unknown:
            self.error(self._describe_unexpected(unknown[0]))
        return arguments

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")

    def _describe_unexpected(self, word: str) -> str:
        if not word.startswith("-"):
            return f"{word!r} is a word too many: {self._stray}"
        import difflib  # noqa: PLC0415 - needed on this way out alone

        known = [option for action in self._actions for option in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], known, n=1)
        return f"there is no option {word}" + (f"; did you mean {near[0]}?" if near else "")


def unknown_command(name: str, known: Iterable[str], program: str = "sidecar") -> UsageError:
    """The error for a word behind ``program`` that is none of the ``known`` commands."""
    names = list(known)
    if not name:
        return UsageError(f"no command given; one of {', '.join(names)}; see `{program} --help`")
    if name.startswith("-"):
        return UsageError(f"{name}: options go behind the command, as in `{program} {names[0]} {name} …`")
    import difflib  # noqa: PLC0415 - needed on this way out alone

    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{program} {near[0]}`?" if near else f"one of {', '.join(names)}"
    where = "" if program == "sidecar" else f" of `{program}`"
    return UsageError(f"there is no command {name!r}{where}; {hint}")


def add_settings(
    parser: Parser, title: str = "etcd and logs", settings: Iterable[Setting] = NETWORK_SETTINGS
) -> None:
    """Add an option for each of ``settings``; the table parses their values later."""
    group = parser.add_argument_group(title)
    for setting in settings:
        if setting.flag:
            default = f" ({setting.default})" if setting.default else ""
            group.add_argument(
                setting.flag,
                dest=setting.key,
                metavar=setting.metavar,
                help=f"{setting.help}{default}",
            )
    if settings is NETWORK_SETTINGS:
        group.add_argument("--config", metavar="FILE", help="settings (sidecar.toml, if there)")


def seconds(text: str) -> float:
    """A time limit, for `add_argument`'s ``type``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def version(text: str) -> int:
    """A canonical version, for `add_argument`'s ``type``."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version: they count from 1")
    return int(text)


def flags_of(arguments: argparse.Namespace) -> dict[str, object]:
    """What was given on the command line, keyed like the table of settings."""
    return vars(arguments)
