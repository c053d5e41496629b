"""Every recipe for images on MNIST: score, share left of the gap, digits found, speed, and a picture of each.

    SPARRING_DATA=… python benchmarks/gallery.py OUT [--recipes …] [--seeds 0] [--pictures DIR] [--json]

Each recipe sees its own number of images: 600,000 (10 epochs), `mlp-gan` and `dense` 3,000,000. OUT is the ledger: runs
it holds are read, interrupted ones go on, missing ones are trained, so a row is measured once; several of these may
work on one OUT, with different recipes. The gap is that of OUT's `mlp-gan` runs (`yardstick.py` trains three).

A digit is found if it makes up a quarter or more of its share in real images, by the judge's classifier. A model that
misses digits is called collapsed.
"""

import argparse
import json
import statistics
import sys
from dataclasses import fields
from pathlib import Path

import torch
from yardstick import ours

import sparring
from sparring.data import load
from sparring.data.media import MEDIA
from sparring.metrics.judges import ImageJudge
from sparring.metrics.report import evaluate
from sparring.recipes import RECIPES
from sparring.recipes.measured import Measured, record
from sparring.recipes.r3gan import PRESETS
from sparring.training.journal import Journal
from sparring.training.judging import judge

SHOWN = 64
OTHERS = {"cogan", *(recipe.name for recipe in PRESETS)}
"""Pairs of images are measured by pairs.py; presets for GPUs take days of a CPU."""
IMAGES = [name for name, recipe in RECIPES.items() if recipe.medium == "image" and name not in OTHERS]


def verdict(row: dict, trivial: float) -> str:
    if row["frechet"] >= trivial:
        return "no better than trivial"
    return "" if row["digits"] == 10 else "collapsed"


def yardstick(out: Path, jury: ImageJudge) -> float | None:
    """The median score of the MLP GANs that OUT holds."""
    runs = [path.parent for path in sorted(out.glob("mlp-gan-*/scores.json"))]
    scores = [jury.scores(sparring.load(run).sample(10_000))["frechet"] for run in runs]
    return statistics.median(scores) if scores else None


def measured(out: Path, recipe: str, seed: int, jury: ImageJudge) -> tuple[dict, torch.Tensor]:
    samples, seconds = ours(recipe, out, seed)
    seen = Journal(out / f"{recipe}-{seed}" / "journal.jsonl").entries[-1]["images"]
    scores = jury.scores(samples, "report", jury.named(["frechet", "classes"]))
    row = {"recipe": recipe, "seed": seed, "images": seen, "frechet": scores["frechet"]}
    return row | {"digits": int(scores["classes"]), "images_per_second": seen / seconds}, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipes", nargs="+", choices=IMAGES, default=IMAGES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--pictures", type=Path, help="write a picture of each recipe's samples into this folder")
    parser.add_argument("--record", action="store_true", help="write the rows into the package, for spar recipes")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data = load("mnist")
    jury = judge(data)
    assert isinstance(jury, ImageJudge)
    trivial = evaluate(data.train.values[:10_000], jury, ["frechet"])
    baseline = {row.name: row.scores["frechet"] for row in trivial.rows if row.name != "model"}
    rows = []
    for recipe in args.recipes:
        for seed in args.seeds:
            row, samples = measured(args.out, recipe, seed, jury)
            rows.append(row | {"verdict": verdict(row, min(baseline["mean image"], baseline["noise"]))})
            print(rows[-1], file=sys.stderr)
            if args.pictures and seed == args.seeds[0]:
                args.pictures.mkdir(parents=True, exist_ok=True)
                MEDIA["image"].picture(samples[:SHOWN]).save(args.pictures / f"{recipe}.png")
    middle = yardstick(args.out, jury)
    for row in rows:
        row |= {"data": "mnist", "note": row["verdict"]}
        row["share_left"] = middle and (row["frechet"] - baseline["real"]) / (middle - baseline["real"])
    if args.record:
        record([Measured(**{field.name: row[field.name] for field in fields(Measured)}) for row in rows])
    if args.json:
        print(json.dumps({"rows": rows, "yardstick": middle, "baselines": baseline, "protocol": trivial.protocol}))
        return
    print("| recipe | seed | images | Fréchet | share left | digits | images/s | |\n|---|---|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: row["frechet"]):
        share = "" if row["share_left"] is None else f"{row['share_left']:.2f}"
        print(
            f"| `{row['recipe']}` | {row['seed']} | {row['images']:,} | {row['frechet']:.2f} | {share} "
            f"| {row['digits']} | {row['images_per_second']:,.0f} | {row['verdict']} |"
        )
    for name, score in baseline.items():
        print(f"| {name} | | | {score:.2f} | | | | |")
    print(trivial.protocol)


if __name__ == "__main__":
    main()
