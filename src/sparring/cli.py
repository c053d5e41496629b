"""The command line: parse, call, print. Reports go to standard output, progress and warnings to standard error."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from sparring.errors import UserError
from sparring.recipes import RECIPES, named
from sparring.recipes.numbers import numbers, with_numbers

SPEC = "a named set (digits, mnist, …), a folder of images, or a .zip, .npz, idx, .parquet file"


class Parser(argparse.ArgumentParser):
    """Refuses in one line, with the way to help."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


def _parser() -> Parser:
    parser = Parser(prog="spar", description="Train, sample and score generative adversarial networks.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, call: Callable, about: str, among: Any = commands) -> argparse.ArgumentParser:
        added = among.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(call=call)
        added.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        return added

    train = command("train", _train, "Train a recipe on a data set; every number of the recipe is a flag too.")
    train.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{', '.join(RECIPES)}; left out: what suits DATA")
    train.add_argument("--data", metavar="SPEC", help=SPEC)
    _reading(train)
    train.add_argument("--out", metavar="RUN", help="the run folder to make")
    train.add_argument("--dry-run", action="store_true", help="print the configuration and what it will cost; no run")
    train.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into RUN/tensorboard")
    train.add_argument("--images", type=int, help="images to see (default: the recipe's)")
    train.add_argument("--minutes", type=float, help="stop after this long, saved")
    train.add_argument("--until", help="stop at this selection score, like 'frechet<10'")
    train.add_argument("--seed", type=int, default=0)
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
    sample.add_argument("--seeds", type=_seeds, help="one sample of each, like 0-15 or 3,7,10-12, instead of --n")
    sample.add_argument("--truncation", type=float, help="bound of |z|: below 1, typical samples and less variety")
    sample.add_argument("--label", nargs="+", default=(), help="classes to draw as many of each; or: all")
    sample.add_argument("--weights", choices=("best", "last"))
    sample.add_argument(
        "--out",
        required=True,
        help="a picture (.png), an array (.npz), a folder of PNG files, points "
        "as a table (.csv), or how samples changed in training (.gif)",
    )

    evaluate = command("evaluate", _evaluate, "Score a run's model beside the trivial rows.")
    evaluate.add_argument("run", metavar="RUN")
    evaluate.add_argument("--samples", type=int)
    evaluate.add_argument("--seed", type=int, default=0)
    evaluate.add_argument("--weights", choices=("best", "last"))

    data = commands.add_parser("data", help="Look at a data set.").add_subparsers(metavar="WHAT", required=True)
    scan = command("scan", _scan, "Counts, sizes, classes, and broken files with reasons.", data)
    scan.add_argument("data", metavar="SPEC", help=SPEC)
    _reading(scan)
    scan.add_argument("--out", help="write a contact sheet here (.png)")
    preview = command("preview", _preview, "What the network will see, as a picture.", data)
    preview.add_argument("data", metavar="SPEC", help=SPEC)
    _reading(preview)
    preview.add_argument("--out", required=True, help="the picture to write (.png)")

    recipes = command("recipes", _recipes, "What can be trained, each with its paper.")
    recipes.add_argument("name", nargs="?", metavar="NAME")
    return parser


def _reading(parser: argparse.ArgumentParser) -> None:
    """The flags that say how data is read."""
    parser.add_argument("--size", help="64, or 64x96 for height x width (default: as found)")
    parser.add_argument("--fit", default="crop", help="another aspect ratio is: crop, pad, stretch")
    parser.add_argument("--channels", default="auto", help="auto, grey, rgb, rgba")
    parser.add_argument("--flip", action="store_true", help="use every image mirrored too")
    parser.add_argument("--labels", metavar="FILE", help="a CSV or JSON of classes or attribute vectors")


def _options(args: argparse.Namespace) -> Any:
    from sparring.data import Options

    size = Options.parse_size(args.size) if args.size else None
    return Options(size, args.fit, args.channels, args.flip, args.labels)


def _seeds(text: str) -> tuple[int, ...]:
    try:
        spans = [[int(end) for end in part.split("-")] for part in text.split(",")]
        found = tuple(seed for span in spans for seed in range(span[0], span[-1] + 1))
    except ValueError:
        found = ()
    if not 0 < len(found) <= 1_000_000:
        raise UserError(f"--seeds {text}: write them like 0-15, or 3,7,10-12")
    return found


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
        print(json.dumps(answer, default=asdict))
    sys.exit(0)


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text)


SETTINGS = (
    "images",
    "minutes",
    "until",
    "seed",
    "device",
    "precision",
    "threads",
    "micro_batches",
    "compiled",
    "reports",
)


def _train(args: argparse.Namespace) -> dict[str, Any]:
    if not (args.out or args.dry_run):
        raise UserError("name the run folder to make: --out RUN (or look first, with --dry-run)")
    if args.recipe and args.recipe not in RECIPES and args.data is None and _is_data(args.recipe):
        args.recipe, args.data = None, args.recipe  # `spar train FOLDER`
    data = args.data or "digits"
    recipe = with_numbers(named(args.recipe), _flags(args.rest)) if args.recipe else None
    from sparring.api import advise, configured, plan, train

    given = {name: getattr(args, name) for name in SETTINGS} | {"reading": _options(args)}
    reasons: tuple[str, ...] = ()
    if recipe is None:
        choice = advise(data, given["reading"], args.device)
        recipe, reasons = with_numbers(choice.recipe, _flags(args.rest)), choice.reasons
        given["images"] = given["images"] or choice.images
        print("\n".join(["no recipe named, so:", *reasons]), file=sys.stderr)
    if args.dry_run:
        config = configured(recipe, data, **given)
        cost = plan(config)
        _say(args, f"{json.dumps(asdict(config), indent=1)}\n{cost.text()}")
        return {"config": asdict(config), "forecast": cost.to_dict(), "reasons": reasons}
    return _told(args, train(recipe, data, args.out, watchers=_watchers(args), **given))


def _is_data(text: str) -> bool:
    from sparring.data import NAMED

    return text in NAMED or Path(text).expanduser().exists()


def _watchers(args: argparse.Namespace) -> list[Any]:
    if not args.tensorboard:
        return []
    from sparring.training.watchers import TensorBoard

    return [TensorBoard(Path(args.out) / "tensorboard")]


def _flags(words: list[str]) -> dict[str, str]:
    """`--lr 1e-4 --generator.width=32` as {"lr": "1e-4", "generator.width": "32"}."""
    pairs = [text.split("=", 1) if "=" in text else [text] for text in words]
    flat = [word for pair in pairs for word in pair]
    for flag in flat[::2]:
        if not flag.startswith("--"):
            raise UserError(f"unknown argument {flag} (see spar train --help)")
    if len(flat) % 2:
        raise UserError(f"{flat[-1]} wants a value")
    return dict(zip((flag.removeprefix("--") for flag in flat[::2]), flat[1::2], strict=True))


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


def _sample(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.explore.progress import animate
    from sparring.explore.sample import Samples, write
    from sparring.model import load

    out = Path(args.out)
    if out.suffix == ".gif":
        reports = animate(Path(args.run), out)
        _say(args, f"{reports:,} reports: {out}")
        return {"reports": reports, "out": args.out}
    seeds = args.seeds or ()
    n = len(seeds) or args.n
    model = load(args.run, args.weights)
    labels = model.classes if "all" in args.label and model.classes else tuple(args.label)
    write(Samples(model, n, args.seed, seeds, args.truncation, labels), out)
    total = n * max(1, len(labels))
    _say(args, f"{total:,} samples: {out}")
    about = {"seed": args.seed, "seeds": seeds, "truncation": args.truncation, "labels": labels}
    return {"samples": total, **about, "out": args.out}


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.api import evaluate

    report = evaluate(args.run, args.samples, args.seed, args.weights)
    _say(args, report.table())
    return report.to_dict()


def _scan(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.data import load
    from sparring.data.scan import contact_sheet, scan

    options = _options(args)
    found = scan(args.data, options)
    _say(args, found.table())
    if args.out:
        _picture(contact_sheet(load(args.data, options)), args.out)
    return found.to_dict()


def _preview(args: argparse.Namespace) -> dict[str, Any]:
    from sparring.data import load
    from sparring.data.scan import preview

    _picture(preview(load(args.data, _options(args))), args.out)
    _say(args, f"what the network will see: {args.out}")
    return {"out": args.out}


def _picture(picture: Any, out: str) -> None:
    from sparring.files import written_aside

    if Path(out).exists():
        raise UserError(f"{out} exists already: choose another --out")
    with written_aside(Path(out)) as path:
        picture.save(path, "PNG")


def _recipes(args: argparse.Namespace) -> dict[str, Any]:
    shown = [named(args.name)] if args.name else list(RECIPES.values())
    for recipe in shown:
        _say(args, f"{recipe.name:<10} {recipe.about}\n{'':<10} {recipe.paper}")
        for name, value in numbers(recipe).items() if args.name else ():
            _say(args, f"{'':<10} --{name} {value}")
    return {recipe.name: {"paper": recipe.paper, "about": recipe.about} | numbers(recipe) for recipe in shown}
