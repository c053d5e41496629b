"""`spar train` and `spar resume`."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparring.build.overrides import with_flags
from sparring.commands import data_flags
from sparring.commands.base import Add, Answer, numbers, say
from sparring.errors import UserError
from sparring.recipes import RECIPES, get_recipe
from sparring.training.tuning import allocator

SETTINGS = (
    "images",
    "source",
    "freeze",
    "minutes",
    "until",
    "seed",
    "device",
    "precision",
    "threads",
    "micro_batches",
    "recompute",
    "compiled",
    "synchronised",
    "reports",
    "heal",
    "timeout",
)

AUTO = "auto"


def add(command: Add) -> None:
    parser = command("train", train, "Train a recipe on a data set; every number of the recipe is a flag too.")
    parser.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{', '.join(RECIPES)}; left out: what suits DATA")
    parser.add_argument("--data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_flags(parser)
    parser.add_argument("--out", metavar="RUN", help="the run folder to make")
    parser.add_argument("--dry-run", action="store_true", help="print the configuration and what it will cost; no run")
    parser.add_argument("--price", type=_price, help="of an hour of this machine: --dry-run tells the cost")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into RUN/tensorboard")
    parser.add_argument("--images", type=int, help="images to see (default: the recipe's)")
    parser.add_argument("--from", dest="source", metavar="RUN", help="start from the best weights of another run")
    parser.add_argument("--freeze", type=int, default=0, metavar="N", help="hold the critic's first N layers still")
    parser.add_argument("--minutes", type=float, help="stop after this long, saved")
    parser.add_argument("--until", help="stop at this selection score, like 'frechet<10'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    parser.add_argument(
        "--micro-batches",
        type=lambda text: 0 if text == AUTO else int(text),
        default=1,
        metavar="N",
        help="slices a batch is accumulated from; auto, or --batch auto: as few as memory allows",
    )
    parser.add_argument("--recompute", action="store_true", help="save memory: compute maps twice, not keep them")
    parser.add_argument("--compiled", action="store_true", help="compile the losses with torch.compile")
    parser.add_argument("--synchronised", action="store_true", help="batch norm over all processes' slices")
    _add_timeout(parser)
    parser.add_argument("--reports", type=int, default=10, help="scores, grids and checkpoints over the run")
    parser.add_argument("--no-heal", dest="heal", action="store_false", help="stop where the run would be healed")
    parser.set_defaults(takes_more=True)

    parser = command("resume", resume, "Go on exactly where a run stopped.")
    parser.add_argument("run", metavar="RUN")
    _add_timeout(parser)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="S", help="seconds a process waits for others (default: 300)"
    )


def train(args: argparse.Namespace) -> Answer:
    if not (args.out or args.dry_run):
        raise UserError("name the run folder to make: --out RUN (or look first, with --dry-run)")
    if args.recipe and args.recipe not in RECIPES and args.data is None and _is_data(args.recipe):
        args.recipe, args.data = None, args.recipe  # `spar train FOLDER`
    data, flags = args.data or "digits", numbers(args)
    if flags.get("batch") == AUTO:  # the recipe's, in slices
        del flags["batch"]
        args.micro_batches = 0
    recipe = with_flags(get_recipe(args.recipe), flags) if args.recipe else None
    from sparring import api

    given = {name: getattr(args, name) for name in SETTINGS} | {"reading": data_flags.options(args)}
    reasons: tuple[str, ...] = ()
    if recipe is None:
        choice = api.advise(data, given["reading"], args.device)
        recipe, reasons = with_flags(choice.recipe, flags), choice.reasons
        given["images"] = given["images"] or choice.images
        if os.environ.get("RANK", "0") == "0":
            print("\n".join(["no recipe named, so:", *reasons]), file=sys.stderr)
    if args.dry_run:
        del given["timeout"]
        plan = api.plan(api.configure(recipe, data, **given))
        say(args, f"{json.dumps(asdict(plan.config), indent=1)}\n{plan.text(args.out, args.price)}")
        cost = {} if args.price is None else {"cost": plan.cost(args.price)}
        return {"config": asdict(plan.config), "forecast": plan.to_dict() | cost, "reasons": reasons}
    allocator.keep_freed_memory()
    return _told(args, api.train(recipe, data, args.out, watchers=_watchers(args), **given))


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


def _watchers(args: argparse.Namespace) -> list[Any]:
    if not args.tensorboard:
        return []
    from sparring.training.run.loggers import TensorBoard

    return [TensorBoard(Path(args.out) / "tensorboard")]


def resume(args: argparse.Namespace) -> Answer:
    from sparring import api

    allocator.keep_freed_memory()
    return _told(args, api.resume(args.run, timeout=args.timeout))


def _told(args: argparse.Namespace, run) -> Answer:
    """Of several processes, the first one tells."""
    if run.outcome == "interrupted":
        args.code = 130
    if not run.ranks.leads:
        return {}
    if run.outcome == "interrupted":
        print(f"stopped at {run.loop.seen:,} images, all saved; go on with: spar resume {run.folder}", file=sys.stderr)
        return {"run": str(run.folder), "outcome": run.outcome, "images": run.loop.seen}
    took = f"{run.seconds:,.0f} s ({run.journal.scoring:.0%} of it for scores)"
    say(args, f"{run.outcome} after {run.loop.seen:,} images in {took}: {run.folder}")
    say(args, run.report.table())
    about = {"run": str(run.folder), "outcome": run.outcome, "images": run.loop.seen, "seconds": run.seconds}
    about["scoring_share"] = run.journal.scoring
    return about | {"scores": run.report.to_dict()}
