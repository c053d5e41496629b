"""`spar train` and `spar resume`."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.commands import data_flags
from sparring.commands.base import Add, Answer, numbers, say
from sparring.commands.setting_flags import add_setting_flags, settings_of
from sparring.errors import UserError
from sparring.recipes import RECIPES, get_recipe
from sparring.training.tuning import allocator

if TYPE_CHECKING:
    from sparring.training.run.run import Run

AUTO = "auto"


def add(command: Add) -> None:
    parser = command("train", train, "Train a recipe on a data set; every number of the recipe is a flag too.")
    parser.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{', '.join(RECIPES)}; by default what suits DATA")
    parser.add_argument("--data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_data_flags(parser)
    parser.add_argument("--out", metavar="RUN", help="the run folder to make")
    parser.add_argument("--dry-run", action="store_true", help="print the configuration and forecast its cost")
    parser.add_argument("--price", type=_price, help="of an hour on this machine: --dry-run prints the cost")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into RUN/tensorboard")
    add_setting_flags(parser)
    _add_timeout(parser)
    parser.set_defaults(takes_more=True)

    parser = command("resume", resume, "Continue a run exactly where it stopped.")
    parser.add_argument("run", metavar="RUN")
    data_flags.add_run_data_flags(parser)
    _add_timeout(parser)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="S", help="seconds a process waits for others (default: 300)"
    )


def train(args: argparse.Namespace) -> Answer:
    if not (args.out or args.dry_run):
        raise UserError("name the run folder to make: --out RUN (or forecast first, with --dry-run)")
    if args.recipe and args.recipe not in RECIPES and args.data is None and _is_data(args.recipe):
        args.recipe, args.data = None, args.recipe  # `spar train FOLDER`
    data, flags = args.data or "digits", numbers(args)
    if flags.get("batch") == AUTO:  # the recipe's, in slices
        del flags["batch"]
        args.micro_batches = 0
    from sparring import api
    from sparring.build.overrides import with_flags

    recipe = with_flags(get_recipe(args.recipe), flags) if args.recipe else None
    settings = settings_of(args) | {"data_options": data_flags.options(args)}
    reasons: tuple[str, ...] = ()
    if recipe is None:
        choice = api.advise(data, settings["data_options"], args.device)
        recipe, reasons = with_flags(choice.recipe, flags), choice.reasons
        settings["examples"] = settings["examples"] or choice.images
        if os.environ.get("RANK", "0") == "0":
            print("\n".join(["no recipe named, so:", *reasons]), file=sys.stderr)
    if args.dry_run:
        plan = api.plan(api.configure(recipe, data, **settings))
        say(args, f"{json.dumps(asdict(plan.config), indent=1)}\n{plan.text(args.out, args.price)}")
        cost = {} if args.price is None else {"cost": plan.cost(args.price)}
        return {"config": asdict(plan.config), "forecast": plan.to_dict() | cost, "reasons": reasons}
    allocator.keep_freed_memory()
    run = api.train(recipe, data, args.out, watchers=_loggers(args), timeout=args.timeout, **settings)
    return _print_outcome(args, run)


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price < float("inf"):
        raise UserError(f"--price {text}: write an hour's price as a number, like 2.5")
    return price


def _is_data(text: str) -> bool:
    from sparring.data.image.edges import strip_edges_suffix
    from sparring.data.named import NAMED

    return text in NAMED or strip_edges_suffix(text) is not None or Path(text).expanduser().exists()


def _loggers(args: argparse.Namespace) -> list[Any]:
    if not args.tensorboard:
        return []
    from sparring.training.run.loggers import TensorBoard

    return [TensorBoard(Path(args.out) / "tensorboard")]


def resume(args: argparse.Namespace) -> Answer:
    from sparring import api

    allocator.keep_freed_memory()
    return _print_outcome(
        args, api.resume(args.run, data=args.data, changed_data=args.changed_data, timeout=args.timeout)
    )


def _print_outcome(args: argparse.Namespace, run: "Run") -> Answer:
    """Of several processes, the first one prints."""
    if run.outcome == "interrupted":
        args.code = 130
    if not run.ranks.leads:
        return {}
    if run.outcome == "interrupted":
        print(
            f"stopped at {run.loop.seen:,} examples, all saved; go on with: spar resume {run.folder}", file=sys.stderr
        )
        return {"run": str(run.folder), "outcome": run.outcome, "examples": run.loop.seen}
    assert run.report is not None, "a run that ended by itself is scored"
    took = f"{run.seconds:,.0f} s ({run.journal.scoring_share:.0%} of it for scores)"
    say(args, f"{run.outcome} after {run.loop.seen:,} examples in {took}: {run.folder}")
    say(args, run.report.table())
    about = {"run": str(run.folder), "outcome": run.outcome, "examples": run.loop.seen, "seconds": run.seconds}
    about["scoring_share"] = run.journal.scoring_share
    return about | {"scores": run.report.to_dict()}
