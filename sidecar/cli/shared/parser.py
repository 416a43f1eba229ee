"""The grammar of the command line: a parser that raises `UsageError`, options from the table."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from typing import NoReturn

from sidecar.config.table import NETWORK, Setting
from sidecar.domain.errors import UsageError

WIDTH = 82  # argparse keeps two of them free


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """One line an option, in 80 columns on every terminal.

    Asking for the terminal's width, as argparse does, loads five compressors with ``shutil``.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=WIDTH)


class Parser(argparse.ArgumentParser):
    """A verb's parser; what it does not understand is a `UsageError` that says what would be."""

    def __init__(self, verb: str, arguments: str, description: str, epilog: str, *, stray: str = "") -> None:
        """``stray`` is what to say to somebody who gave a word too many."""
        super().__init__(
            prog=f"sidecar {verb}",
            usage=f"sidecar {verb} {arguments}",
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,  # a script must not break when an option is added
            add_help=False,
        )
        self._stray = stray or f"it takes {arguments.removesuffix('[OPTION]…').strip() or 'options only'}"
        self.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return what ``argv`` says. Raises `UsageError`."""
        namespace, unknown = self.parse_known_args(list(argv))
        if unknown:
            self.error(self._about(unknown[0]))
        return namespace

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")

    def _about(self, word: str) -> str:
        if not word.startswith("-"):
            return f"{word!r} is a word too many: {self._stray}"
        import difflib  # noqa: PLC0415 - needed on this way out alone

        known = [option for action in self._actions for option in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], known, n=1)
        return f"there is no option {word}" + (f"; did you mean {near[0]}?" if near else "")


def no_such_verb(name: str, known: Iterable[str], frame: str = "sidecar") -> UsageError:
    """The error for a word behind ``frame`` that is none of the ``known`` verbs."""
    names = list(known)
    if not name:
        return UsageError(f"no verb given; one of {', '.join(names)}; see `{frame} --help`")
    if name.startswith("-"):
        return UsageError(f"{name}: options go behind the verb, as in `{frame} {names[0]} {name} …`")
    import difflib  # noqa: PLC0415 - needed on this way out alone

    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{frame} {near[0]}`?" if near else f"one of {', '.join(names)}"
    where = "" if frame == "sidecar" else f" of `{frame}`"
    return UsageError(f"there is no verb {name!r}{where}; {hint}")


def add_settings(parser: Parser, title: str = "etcd and logs", settings: Iterable[Setting] = NETWORK) -> None:
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
    if settings is NETWORK:
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


def flags_of(namespace: argparse.Namespace) -> dict[str, object]:
    """What was given on the command line, keyed like the table of settings."""
    return vars(namespace)
