"""`spar sample`."""

import argparse
import re
from pathlib import Path

from sparring.commands.base import Add, Answer, say
from sparring.commands.data_flags import add_run_data_flags, pair
from sparring.errors import UserError

MAX_SEEDS = 1_000_000
"""In one command."""


def add(command: Add) -> None:
    parser = command("sample", sample, "Draw samples from a run's model.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=_seeds, help="one sample per seed instead of --n, like 0-15 or 3,7,10-12")
    parser.add_argument(
        "--truncation",
        type=float,
        help="bound of |z|, or ψ of w̄ + ψ(w − w̄) for stylegan2: smaller is more typical and less varied",
    )
    parser.add_argument("--label", nargs="+", default=(), help="classes, --n samples of each; or: all")
    parser.add_argument(
        "--where",
        nargs="+",
        default=(),
        metavar="COLUMN=VALUE",
        help="for tables: rows with these values; numbers: 30, 30:40",
    )
    parser.add_argument("--weights", choices=("best", "last"))
    add_run_data_flags(parser)
    parser.add_argument(
        "--precision", default="fp32", help="fp32; bf16: faster if the CPU supports it; auto: the faster one"
    )
    parser.add_argument(
        "--out",
        required=True,
        help="a picture (.png), an array (.npz), a folder of PNG files, points or rows of a table (.csv, .parquet), or "
        "an animation of the samples during training (.gif)",
    )


def _seeds(text: str) -> tuple[int, ...]:
    """From spans "FIRST-LAST" or "SEED". Raises UserError for more than `MAX_SEEDS`, before any are listed."""
    matches = [re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", part.strip()) for part in text.split(",")]
    spans = [range(int(span[1]), int(span[2] or span[1]) + 1) for span in matches if span]
    if len(spans) < len(matches) or not all(spans):
        raise UserError(f"--seeds {text}: write them like 0-15, or 3,7,10-12")
    if (n := sum(map(len, spans))) > MAX_SEEDS:
        raise UserError(f"--seeds {text}: these are {n:,} seeds; use at most {MAX_SEEDS:,}")
    return tuple(seed for span in spans for seed in span)


def sample(args: argparse.Namespace) -> Answer:
    from sparring.models.load import load_model
    from sparring.models.translator import ImageToImageModel
    from sparring.sampling.held_out import load_validation
    from sparring.sampling.samples import Samples, write_samples
    from sparring.sampling.timelapse import animate
    from sparring.storage.paths import file_ending

    out = Path(args.out)
    if file_ending(out) == ".gif":
        if args.seeds or args.label or args.truncation is not None:
            raise UserError("a .gif shows samples drawn during training: omit --seeds, --label and --truncation")
        reports = animate(Path(args.run), out)
        say(args, f"{reports:,} reports: {out}")
        return {"reports": reports, "out": args.out}
    seeds = args.seeds or ()
    n = len(seeds) or args.n
    model = load_model(args.run, args.weights)
    if isinstance(model, ImageToImageModel):
        chosen = bool(seeds or args.label or args.truncation is not None)
        n = load_validation(model, Path(args.run), n, chosen, args.data, args.changed_data)
    where = dict(pair(text) for text in args.where)
    labels = model.classes if "all" in args.label and model.classes else tuple(args.label)
    write_samples(Samples(model, n, args.seed, seeds, args.truncation, labels, where), out, args.precision)
    total = n * max(1, len(labels))
    say(args, f"{total:,} samples: {out}")
    settings = {"seed": args.seed, "seeds": seeds, "truncation": args.truncation, "labels": labels, "where": where}
    return {"samples": total, **settings, "out": args.out}
