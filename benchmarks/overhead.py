"""What a run's time goes into beside its steps: averages, reports, scores, health, checkpoints.

    SPARRING_DATA=… python benchmarks/overhead.py [--recipe dcgan] [--data mnist] [--spans 2] [--json]

Plays as many images as the recipe does between so many of its reports by default, in this process, with a clock around
each part. Shares are of the time of playing; the closing scores, which come after it, are not in them.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sparring
from sparring.metrics.judge import Judge
from sparring.models.model import Model
from sparring.recipes import RECIPES
from sparring.training import checkpoint
from sparring.training.journal import Journal
from sparring.training.loop.ema import EMA
from sparring.training.loop.loop import Loop
from sparring.training.report.progress import Progress
from sparring.training.run import run

REPORTS = 10
PARTS: dict[str, list[tuple[Any, str]]] = {
    "rounds": [(Loop, "round")],
    "averaged weights": [(EMA, "update")],
    "progress": [(Progress, "update"), (Progress, "report"), (run, "noted")],
    "scores": [(Judge, "scores"), (run, "gathered")],
    "health": [(run, "vitals"), (run, "looked"), (run, "checked"), (run, "check")],
    "checkpoints": [(checkpoint, "save"), (Model, "save")],
    "journal": [(Journal, "add")],
    "picture": [(Model, "look")],
}
"""What is told, and the calls whose time it is."""


def clocked(name: str, call: Callable, spent: Counter[str]) -> Callable:
    def timed(*words, **more):
        start = time.perf_counter()
        try:
            return call(*words, **more)
        finally:
            spent[name] += time.perf_counter() - start

    return timed


def measured(recipe: str, data: str, spans: int) -> dict[str, float]:
    """Seconds by part, and of all of it."""
    spent: Counter[str] = Counter()
    calls = [(name, *call) for name, several in PARTS.items() for call in several]
    playing, played = run.Run.play, {}

    def play(self: run.Run) -> str:
        start = time.perf_counter()
        outcome = playing(self)
        played.update(spent, all=time.perf_counter() - start)  # the closing scores are to come
        return outcome

    images = RECIPES[recipe].images // REPORTS * spans
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        for name, owner, call in calls:
            patches.enter_context(patch.object(owner, call, clocked(name, getattr(owner, call), spent)))
        patches.enter_context(patch.object(run.Run, "play", play))
        sparring.train(recipe, data, Path(folder) / "run", images=images, reports=spans)
    played["rounds"] -= played["averaged weights"]
    return played


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="dcgan", choices=RECIPES, metavar="RECIPE")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--spans", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    seconds = measured(args.recipe, args.data, args.spans)
    whole = seconds.pop("all")
    shares = {name: part / whole for name, part in seconds.items()}
    shares["the rest"] = 1 - sum(shares.values())
    if args.json:
        print(json.dumps({"recipe": args.recipe, "data": args.data, "seconds": whole, "shares": shares}))
        return
    print(f"{args.recipe} on {args.data}: {whole:,.0f} s")
    for name, share in shares.items():
        print(f"{name:<20} {share:7.2%}")


if __name__ == "__main__":
    main()
