"""`spar apply`."""

import argparse
import sys
from pathlib import Path

from sparring.commands.base import Add, Answer, say

TOLD = 10


def add(command: Add) -> None:
    parser = command("apply", apply, "Encode images and decode them again, by a model with an encoder.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("input", metavar="INPUT", help="a named set (its test part), images, or a single picture")
    parser.add_argument("--n", type=int, help="the first so many of the input (default: all)")
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument(
        "--out",
        required=True,
        help="a picture of originals above their reconstructions (.png), arrays (.npz), a folder of PNG files",
    )


def apply(args: argparse.Namespace) -> Answer:
    from sparring.apply.reconstruct import write
    from sparring.model import load

    done = write(load(args.run, args.weights), args.input, Path(args.out), args.n)
    for name, why in done.broken[:TOLD]:
        print(f"left out: {name} ({why})", file=sys.stderr)
    if len(done.broken) > TOLD:
        print(f"… and {len(done.broken) - TOLD:,} more", file=sys.stderr)
    n = len(done.before)
    say(args, f"{n:,} of {done.found:,} images, mean squared error {done.error:.4f} (brightness 0 to 1): {args.out}")
    return {"images": n, "found": done.found, "left_out": len(done.broken), "error": done.error, "out": args.out}
