"""Recipes side by side on one set of images, for as long as each other.

    SPARRING_DATA=… python -m experiments colour OUT DATA [--size 32] [--rows …] [--minutes 30] [--seeds 0]
        [--precision auto] [--pictures DIR] [--json]

DATA is a folder, or any SPEC. A row is a recipe, with numbers of it as flags of `spar train` if need be: `rpgan`,
`rpgan+augment=diffaugment+batch=32`. Recipes train for so many minutes each, one after the other, with one thread (or
on the GPU, with `--device cuda`), or until they have seen their own number of images. OUT holds the runs, of which the
ledger (`ledger.py`) keeps count.

"Fréchet" is as usual in papers: 5,000 samples to all training images, on features of a classifier of the set; "of
dcgan" is that over the `dcgan` row's of the same seed. The other scores are those of the report part, with as many
samples as it has images, a few hundred, to which real images are as far as the real row says. Copies of training images
win the first and are told by "copied".
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.common import Keep, Pictures, add_pictures, recipe_of
from experiments.ledger import measured
from sparring.data import Options
from sparring.metrics.image.frechet import frechet
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.judge import SampleSet
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.training.journal import Journal

ROWS = ["dcgan", "fastgan", "stylegan2", "r3gan"]
SAMPLES, SHOWN = 5_000, 64
SCORES = ["frechet", "precision", "recall", "coverage", "copied"]
METRICS = ["frechet", "support", "memorisation"]
"""What those are scores of."""


def score(run: Path, jury: ImageJudge, real: Tensor, keep: Keep) -> dict:
    model, n = sparring.load(run), jury.sample_count("report")
    samples = model.sample(SAMPLES)
    report = evaluate_samples(SampleSet(samples[:n], model.sampled_labels(n)), jury, METRICS)
    journal = Journal(run / "journal.jsonl")
    seen = journal.entries[-1]["examples"]
    keep(lambda: model.preview(SHOWN).image)
    scores = {name: report.rows[0].scores[name] for name in SCORES} | {"train": frechet(jury.features(samples), real)}
    return scores | {"real": report.rows[1].scores["frechet"], "images": seen, "minutes": journal.seconds / 60}


def line(row: dict) -> str:
    head = f"| {row['row']} | {row['seed']} | {row['images']:,} | {row['minutes']:.0f} | {row['train']:.1f} |"
    of_dcgan = "" if row["of_dcgan"] is None else f"{row['of_dcgan']:.2f}"
    rest = " | ".join(f"{row[name]:.3f}" for name in SCORES[1:])
    return f"{head} {of_dcgan} | {row['frechet']:.1f} | {row['real']:.1f} | {rest} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("data")
    parser.add_argument("--size", type=Options.parse_size, default=(32, 32))
    parser.add_argument("--rows", nargs="+", default=ROWS, metavar="RECIPE[+NAME=VALUE…]")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto", help="what each recipe is quickest in")
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset(args.data, Options(size=args.size))
    jury = judge(data)
    assert isinstance(jury, ImageJudge)
    protocol = jury.protocol("report", jury.sample_count("report"))
    by = f"colour.py, {SAMPLES:,} samples to training images; {protocol}"
    rows, real = [], jury.features(jury.train)
    for name, seed in ((name, seed) for name in args.rows for seed in args.seeds):
        recipe = recipe_of(name)
        # So many reports that slow recipes have some in time: the best of them is what is scored.
        more = {"minutes": args.minutes, "reports": 50, "device": args.device, "precision": args.precision}
        more["reading"] = Options(size=args.size)
        keep = partial(Pictures(args.pictures).keep, f"{Path(args.data).name}-{name}", seed)
        tell = partial(score, jury=jury, real=real, keep=keep)
        told = measured(args.out, name, recipe, data, recipe.images, seed, by, tell, **more)
        plain = [row["train"] for row in rows if (row["row"], row["seed"]) == ("dcgan", seed)]
        row = {"row": name, "seed": seed, **told}
        rows.append(row | {"of_dcgan": row["train"] / plain[0] if plain else None})
        print(line(rows[-1]), file=sys.stderr)
    if args.json:
        print(json.dumps({"rows": rows, "protocol": by}))
        return
    print(f"| recipe | seed | images | minutes | Fréchet | of dcgan | report part | real | {' | '.join(SCORES[1:])} |")
    print(f"|{'---|' * 12}")
    print("\n".join(line(row) for row in rows))
    trivial = {"test images": data.test.values, "mean image": dict(jury.baselines(SAMPLES))["mean image"].values}
    print({name: frechet(jury.features(values), real) for name, values in trivial.items()})


if __name__ == "__main__":
    main()
