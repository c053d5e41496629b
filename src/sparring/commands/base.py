"""The parser and the output of every command."""

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from sparring.errors import UserError

Answer = dict[str, Any]
"""The result of a command, as --json prints it."""

Call = Callable[[argparse.Namespace], Answer]

Add = Callable[[str, Call, str], argparse.ArgumentParser]
"""(name, call, about) → the new command's parser."""


class Parser(argparse.ArgumentParser):
    """Errors are one line that names --help."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args=None, namespace=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        """With `takes_more`, unknown flags are left to the command; their values are not positional arguments."""
        if self.get_default("takes_more") and args is not None:
            args = joined(args, self._option_string_actions)
        return super().parse_known_args(args, namespace)


def joined(words: Sequence[str], known: Collection[str]) -> list[str]:
    """The words, with each unknown flag joined to its value: `--lr 1e-4` becomes `--lr=1e-4`."""
    left, result = list(words), []
    while left:
        word = left.pop(0)
        foreign = word.startswith("--") and word != "--" and "=" not in word and word not in known
        result.append(f"{word}={left.pop(0)}" if foreign and left and not left[0].startswith("--") else word)
    return result


def adder(commands: Any) -> Add:
    """A function that adds commands, each with --json, to these sub-parsers."""

    def add(name: str, call: Call, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(call=call)
        added.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        return added

    return add


def say(args: argparse.Namespace, text: str) -> None:
    """Prints text, unless --json is set."""
    if not args.json:
        print(text)


def numbers(args: argparse.Namespace) -> dict[str, str]:
    """A recipe's own flags, such as `--lr 1e-4 --generator.width=32`: {"lr": "1e-4", "generator.width": "32"}."""
    pairs = [text.split("=", 1) if "=" in text else [text] for text in args.rest]
    flat = [word for pair in pairs for word in pair]
    for flag in flat[::2]:
        if not flag.startswith("--"):
            raise UserError(f"unknown argument {flag} (see spar {args.command} --help)")
    if len(flat) % 2:
        raise UserError(f"{flat[-1]} needs a value")
    return dict(zip((flag.removeprefix("--") for flag in flat[::2]), flat[1::2], strict=True))
