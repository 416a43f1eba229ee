"""The parser of command lines: it raises `UsageError`, and takes its options from the table of settings."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from typing import NoReturn

from sidecar.config.setting import Setting, SettingGroup
from sidecar.config.table import NETWORK_SETTINGS
from sidecar.domain.errors import UsageError

HELP_WIDTH = 80


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help in 80 columns on every terminal.

    To ask for the terminal's width, as argparse does, loads five compressors with ``shutil``.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=HELP_WIDTH)

    def _split_lines(self, text: str, width: int) -> list[str]:
        import textwrap  # noqa: PLC0415 - only help needs it

        return textwrap.wrap(text, width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """The parser of one command. An argument that it does not know is a `UsageError` with a hint."""

    def __init__(
        self, command: str, arguments: str, description: str, epilog: str, *, hint: str = ""
    ) -> None:
        """``hint`` is added to the error for an extra argument."""
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
        self._positionals.title = "arguments"
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
            return f"unexpected argument {word!r}: {self._stray}"
        import difflib  # noqa: PLC0415 - only errors need it

        known = [option for action in self._actions for option in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], known, n=1)
        return f"unknown option {word}" + (f" (did you mean {near[0]}?)" if near else "")


def unknown_command(name: str, known: Iterable[str], program: str = "sidecar") -> UsageError:
    """The error for a ``name`` after ``program`` that is not one of the ``known`` commands."""
    names = list(known)
    if not name:
        return UsageError(f"no command given; the commands are {', '.join(names)}; see `{program} --help`")
    if name.startswith("-"):
        return UsageError(f"{name}: options follow the command, as in `{program} {names[0]} {name} …`")
    import difflib  # noqa: PLC0415 - only errors need it

    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{program} {near[0]}`?" if near else f"the commands are {', '.join(names)}"
    where = "" if program == "sidecar" else f" of `{program}`"
    return UsageError(f"unknown command {name!r}{where}; {hint}")


def add_settings(parser: Parser, groups: Iterable[SettingGroup], *, hidden: bool = False) -> None:
    """Add an option for each setting of ``groups``; the table parses their values later.

    Options that are ``hidden`` are accepted but have no effect, so the help leaves them out.
    """
    for group in groups:
        section = parser.add_argument_group(group.title)
        for setting in group.settings:
            if setting.flag:
                about = argparse.SUPPRESS if hidden else _help_of(setting)
                section.add_argument(setting.flag, dest=setting.key, metavar=setting.metavar, help=about)


def add_network_settings(parser: Parser) -> None:
    """Add what every command takes that talks to etcd, in one short section."""
    add_settings(parser, (SettingGroup("etcd and logging", NETWORK_SETTINGS),))
    add_config_option(parser)


def add_config_option(parser: Parser) -> None:
    """Add ``--config``, for the commands that read settings."""
    parser.add_argument(
        "--config", metavar="FILE", help="settings file (default: sidecar.toml, if it exists)"
    )


def _help_of(setting: Setting) -> str:
    default = setting.default or setting.derived_default
    return f"{setting.help} (default: {default})" if default else setting.help


def seconds(text: str) -> float:
    """A timeout, for the ``type`` of `add_argument`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds greater than 0")
    return value


def version(text: str) -> int:
    """A version of the list, for the ``type`` of `add_argument`."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version: versions are numbers from 1")
    return int(text)


def flags_of(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings given on the command line, keyed like the table of settings."""
    return vars(arguments)
