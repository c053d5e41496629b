"""`spar explore`."""

import argparse
from pathlib import Path

from sparring.commands.base import Add, Answer, say

TOOLS = ("codes",)


def add(command: Add) -> None:
    parser = command("explore", explore, "Show a model's latent space in a picture.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("how", metavar="HOW", choices=TOOLS, help="codes: samples by category and code")
    parser.add_argument("--seed", type=int, default=0, help="of the noise, which stays the same")
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument("--out", required=True, help="a picture (.png)")


def explore(args: argparse.Namespace) -> Answer:
    from sparring.explore.traverse import sweeps
    from sparring.models.load import load_model
    from sparring.storage.atomic import atomic_write, output_target

    out = Path(args.out)
    with output_target(out, {".png": "PNG"}, "a picture") as file_format:
        picture = sweeps(load_model(args.run, args.weights), args.seed)
        with atomic_write(out) as path:
            picture.save(path, file_format)
    say(args, f"rows: categories; columns: each code from −2 to 2: {out}")
    return {"out": args.out, "seed": args.seed}
