"""The command line: parse, call, print. Reports go to standard output, progress and warnings to standard error."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

from sparring.errors import UserError, nearest
from sparring.recipes import RECIPES, Recipe, named


class Parser(argparse.ArgumentParser):
    """Refuses in one line, with the way to help."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


def _parser() -> Parser:
    parser = Parser(prog="spar", description="Train, sample and score generative adversarial networks.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, call: Callable, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(call=call)
        added.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        return added

    train = command("train", _train, "Train a recipe on a data set; every number of the recipe is a flag too.")
    train.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(RECIPES)}")
    train.add_argument("--data", default="digits", help="a named set (digits, mnist, …) or a folder of images")
    train.add_argument("--out", required=True, metavar="RUN", help="the run folder to make")
    train.add_argument("--images", type=int, help="images to see (default: the recipe's)")
    train.add_argument("--minutes", type=float, help="stop after this long, saved")
    train.add_argument("--until", help="stop at this selection score, like 'frechet<10'")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--size", type=int, help="side of the images (default: as found)")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    train.add_argument("--precision", default="auto", help="auto, fp32, bf16")
    train.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    train.add_argument("--micro-batches", type=int, default=1, help="slices a batch is accumulated from")
    train.add_argument("--compiled", action="store_true", help="compile the losses with torch.compile")
    train.add_argument("--reports", type=int, default=20, help="scores, grids and checkpoints over the run")

    resume = command("resume", _resume, "Go on exactly where a run stopped.")
    resume.add_argument("run", metavar="RUN")

    sample = command("sample", _sample, "Draw samples from a run's model.")
    sample.add_argument("run", metavar="RUN")
    sample.add_argument("--n", type=int, default=64)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--weights", choices=("best", "last"))
    sample.add_argument("--out", required=True, help="a grid (.png), an array (.npz), or a folder of PNG files")

    evaluate = command("evaluate", _evaluate, "Score a run's model beside the trivial rows.")
    evaluate.add_argument("run", metavar="RUN")
    evaluate.add_argument("--samples", type=int)
    evaluate.add_argument("--seed", type=int, default=0)
    evaluate.add_argument("--weights", choices=("best", "last"))

    recipes = command("recipes", _recipes, "What can be trained, each with its paper.")
    recipes.add_argument("name", nargs="?", metavar="NAME")
    return parser


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Exit code 0; 2 for bad input, told in one line; 1 is our own fault."""
    try:
        args, rest = _parser().parse_known_args(arguments)
        if rest and args.call is not _train:
            raise UserError(f"unknown argument {rest[0]} (see spar {args.command} --help)")
        args.rest = rest
        answer = args.call(args)
    except UserError as error:
        print(f"spar: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    if args.json:
        print(json.dumps(answer))
    sys.exit(0)


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text)


def _train(args: argparse.Namespace) -> dict[str, Any]:
    recipe = with_numbers(named(args.recipe), args.rest)
    from sparring.api import train

    options = ("images", "minutes", "until", "seed", "size", "device", "precision", "threads", "micro_batches")
    given = {name: getattr(args, name) for name in (*options, "compiled", "reports")}
    return _told(args, train(recipe, args.data, args.out, **given))


def _resume(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.api import resume

    return _told(args, resume(args.run))


def _told(args: argparse.Namespace, run) -> dict[str, Any]:
    if run.outcome == "interrupted":
        print(f"stopped at {run.loop.seen:,} images, all saved; go on with: spar resume {run.folder}", file=sys.stderr)
        if not args.json:
            sys.exit(130)
        return {"run": str(run.folder), "outcome": run.outcome, "images": run.loop.seen}
    _say(args, f"{run.outcome} after {run.loop.seen:,} images in {run.seconds:,.0f} s: {run.folder}")
    _say(args, run.report.table())
    about = {"run": str(run.folder), "outcome": run.outcome, "images": run.loop.seen, "seconds": run.seconds}
    return about | {"scores": run.report.to_dict()}


def with_numbers(recipe: Recipe, flags: list[str]) -> Recipe:
    """The recipe with numbers replaced: `--batch 128 --lr 1e-4 --generator.width 32 --weight.r1 5`.

    Raises UserError for a number the recipe does not have, with the nearest one.
    """
    numbers = _numbers(recipe)
    pairs = [text.split("=", 1) if "=" in text else [text] for text in flags]
    words = [word for pair in pairs for word in pair]
    if len(words) % 2:
        raise UserError(f"{words[-1]} wants a value")
    for flag, text in zip(words[::2], words[1::2], strict=True):
        name = flag.removeprefix("--")
        if name not in numbers and not name.startswith("weight."):
            raise UserError(f"{recipe.name} has no {flag}{nearest(name, numbers)}")
        recipe = _replaced(recipe, name, _value(flag, text, numbers.get(name, 0.0)))
    return recipe


def _numbers(recipe: Recipe) -> dict[str, Any]:
    plain = {f.name.replace("_", "-"): getattr(recipe, f.name) for f in fields(recipe)}
    own = {name: value for name, value in plain.items() if isinstance(value, int | float) or name == "critic-lr"}
    networks = {f"{side}.{k}": v for side in ("generator", "critic") for k, v in getattr(recipe, side).numbers.items()}
    return own | networks


def _value(flag: str, text: str, old: Any) -> Any:
    try:
        if isinstance(old, list):
            return [int(part) for part in text.split(",")]
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        return int(text) if isinstance(old, int) else float(text)
    except (ValueError, KeyError):
        kind = "whole numbers like 256,512" if isinstance(old, list) else type(old).__name__
        raise UserError(f"{flag} {text}: not a value of kind {kind}") from None


def _replaced(recipe: Recipe, name: str, value: Any) -> Recipe:
    side, _, number = name.partition(".")
    if side == "weight":
        return replace(recipe, weights={**recipe.weights, number: value})
    if number:
        network = getattr(recipe, side)
        return replace(recipe, **{side: replace(network, numbers={**network.numbers, number: value})})
    return replace(recipe, **{name.replace("-", "_"): value})


def _sample(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.explore.sample import write
    from sparring.model import load

    write(load(args.run, args.weights), args.n, args.seed, Path(args.out))
    _say(args, f"{args.n:,} samples: {args.out}")
    return {"samples": args.n, "seed": args.seed, "out": args.out}


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.api import evaluate

    report = evaluate(args.run, args.samples, args.seed, args.weights)
    _say(args, report.table())
    return report.to_dict()


def _recipes(args: argparse.Namespace) -> dict[str, Any]:
    shown = [named(args.name)] if args.name else list(RECIPES.values())
    for recipe in shown:
        _say(args, f"{recipe.name:<10} {recipe.about}\n{'':<10} {recipe.paper}")
        for name, value in _numbers(recipe).items() if args.name else ():
            _say(args, f"{'':<10} --{name} {value}")
    return {recipe.name: {"paper": recipe.paper, "about": recipe.about} | _numbers(recipe) for recipe in shown}
