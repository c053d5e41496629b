"""`spar explore`."""

import argparse
from pathlib import Path

from sparring.commands.base import Add, Answer, say

WAYS = ("codes",)


def add(command: Add) -> None:
    parser = command("explore", explore, "Look into a model's latent space, in a picture.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("how", metavar="HOW", choices=WAYS, help="codes: what categories and codes came to mean")
    parser.add_argument("--seed", type=int, default=0, help="of the noise that stays the same")
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument("--out", required=True, help="a picture (.png)")


def explore(args: argparse.Namespace) -> Answer:
    from sparring.explore.traverse import sweeps
    from sparring.models.load import load_model
    from sparring.storage.atomic import atomic_write, output_target

    out = Path(args.out)
    with output_target(out, {".png": "PNG"}, "a picture") as form:
        picture = sweeps(load_model(args.run, args.weights), args.seed)
        with atomic_write(out) as path:
            picture.save(path, form)
    say(args, f"down, the categories; across, each code from −2 to 2: {out}")
    return {"out": args.out, "seed": args.seed}
