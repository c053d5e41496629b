"""The command line: parse, call, print. Reports go to standard output, progress and warnings to standard error."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from sparring.commands import apply, bench, compare, data, doctor, evaluate, explore, recipes, sample, train
from sparring.commands.base import Parser, adder
from sparring.errors import UserError
from sparring.errors.bounds import ARGUMENTS, check_bounds
from sparring.errors.machine import machine_errors_as_user_errors


def parser() -> Parser:
    top = Parser(prog="spar", description="Train, sample and score generative adversarial networks.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (train, sample, apply, evaluate, compare, explore):
        command.add(adder(commands))
    looks = commands.add_parser("data", help="Look at a data set.").add_subparsers(metavar="WHAT", required=True)
    data.add(adder(looks))
    measures = commands.add_parser("bench", help="What a run would cost elsewhere.")
    bench.add(adder(measures.add_subparsers(metavar="WHAT", required=True)))
    for command in (recipes, doctor):
        command.add(adder(commands))
    return top


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Exits with 0; with 2 for bad input, after one line; with 1 for a bug, or where `spar doctor` found a failure."""
    try:
        args, rest = parser().parse_known_args(arguments)
        if rest and not getattr(args, "takes_more", False):
            raise UserError(f"unknown argument {rest[0]} (see spar {args.command} --help)")
        args.rest = rest
        check_bounds(**{name: value for name, value in vars(args).items() if name in ARGUMENTS})
        with machine_errors_as_user_errors():
            answer = args.call(args)
    except UserError as error:
        if error.reporting_rank_env is None or os.environ.get(error.reporting_rank_env, "0") == "0":
            print(f"spar: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    if args.json and os.environ.get("RANK", "0") == "0":
        print(json.dumps(answer, default=asdict))
    sys.exit(getattr(args, "code", 0))
