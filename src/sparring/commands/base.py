"""What every command is made with: a parser that refuses in one line, and a way to speak."""

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from sparring.errors import UserError

Answer = dict[str, Any]
"""What a command found, as it is printed by --json."""

Call = Callable[[argparse.Namespace], Answer]

Add = Callable[[str, Call, str], argparse.ArgumentParser]
"""(name, call, about) → the new command's parser."""


class Parser(argparse.ArgumentParser):
    """Refuses in one line, with the way to help."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args=None, namespace=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        """A command that takes more has flags that only its call knows: their values are no arguments of its own."""
        if self.get_default("takes_more") and args is not None:
            args = joined(args, self._option_string_actions)
        return super().parse_known_args(args, namespace)


def joined(words: Sequence[str], known: Collection[str]) -> list[str]:
    """The words, each flag that is not known as one with its value: `--lr 1e-4` becomes `--lr=1e-4`."""
    left, found = list(words), []
    while left:
        word = left.pop(0)
        foreign = word.startswith("--") and word != "--" and "=" not in word and word not in known
        found.append(f"{word}={left.pop(0)}" if foreign and left and not left[0].startswith("--") else word)
    return found


def adder(commands: Any) -> Add:
    """Adds commands to these sub-parsers; every one of them takes --json."""

    def add(name: str, call: Call, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(call=call)
        added.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        return added

    return add


def say(args: argparse.Namespace, text: str) -> None:
    """For a person: not under --json, which prints one object and nothing else."""
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
        raise UserError(f"{flat[-1]} wants a value")
    return dict(zip((flag.removeprefix("--") for flag in flat[::2]), flat[1::2], strict=True))
