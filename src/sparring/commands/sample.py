"""`spar sample`."""

import argparse
import re
from pathlib import Path

from sparring.commands.base import Add, Answer, say
from sparring.commands.data_flags import pair
from sparring.errors import UserError

MOST = 1_000_000
"""Seeds of one command."""


def add(command: Add) -> None:
    parser = command("sample", sample, "Draw samples from a run's model.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=_seeds, help="one sample of each, like 0-15 or 3,7,10-12, instead of --n")
    parser.add_argument(
        "--truncation",
        type=float,
        help="bound of |z|, or for stylegan2 ψ of w̄ + ψ(w − w̄): below 1, typical samples and less variety",
    )
    parser.add_argument("--label", nargs="+", default=(), help="classes to draw as many of each; or: all")
    parser.add_argument(
        "--where",
        nargs="+",
        default=(),
        metavar="COLUMN=VALUE",
        help="rows of a table with these values; numbers: 30, 30:40",
    )
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument(
        "--precision", default="fp32", help="fp32; bf16: quicker where the CPU has units for it; auto: what is quicker"
    )
    parser.add_argument(
        "--out",
        required=True,
        help="a picture (.png), an array (.npz), a folder of PNG files, points "
        "as a table (.csv), rows of a table (.csv, .parquet), or how samples changed in training (.gif)",
    )


def _seeds(text: str) -> tuple[int, ...]:
    """Of each span "FIRST-LAST" or "SEED"; counted before any is made."""
    found = [re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", part.strip()) for part in text.split(",")]
    spans = [range(int(span[1]), int(span[2] or span[1]) + 1) for span in found if span]
    if len(spans) < len(found) or not all(spans):
        raise UserError(f"--seeds {text}: write them like 0-15, or 3,7,10-12")
    if (n := sum(map(len, spans))) > MOST:
        raise UserError(f"--seeds {text}: these are {n:,}, and at most {MOST:,} can be drawn at once")
    return tuple(seed for span in spans for seed in span)


def sample(args: argparse.Namespace) -> Answer:
    from sparring.models.load import load_model
    from sparring.sampling.samples import Samples, write_samples
    from sparring.sampling.timelapse import animate

    out = Path(args.out)
    if out.suffix == ".gif":
        if args.seeds or args.label or args.truncation is not None:
            raise UserError("a .gif shows the samples that were drawn in training: leave seeds, label, truncation out")
        reports = animate(Path(args.run), out)
        say(args, f"{reports:,} reports: {out}")
        return {"reports": reports, "out": args.out}
    seeds = args.seeds or ()
    n = len(seeds) or args.n
    model = load_model(args.run, args.weights)
    where = dict(pair(text) for text in args.where)
    labels = model.classes if "all" in args.label and model.classes else tuple(args.label)
    write_samples(Samples(model, n, args.seed, seeds, args.truncation, labels, where), out, args.precision)
    total = n * max(1, len(labels))
    say(args, f"{total:,} samples: {out}")
    about = {"seed": args.seed, "seeds": seeds, "truncation": args.truncation, "labels": labels, "where": where}
    return {"samples": total, **about, "out": args.out}
