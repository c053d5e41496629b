"""Translation: emoji of one drawing style to another, by pairs and without.

    SPARRING_DATA=… python -m experiments translate OUT [--recipes …] [--seeds 0] [--share 1.0] [--precision fp32]
        [--pictures DIR] [--json]

A recipe may be followed by numbers of it as `spar train` has them: `pix2pix+augment=flip,hue`. OUT holds
the runs, of which the ledger (`ledger.py`) keeps count. Scored on the 169 test pairs, whose emoji are not in training:
L1 and PSNR picture by picture; whether the right partner is the nearest, or among the five nearest, of all test
pictures by the judge's features; the Fréchet distance to the domain; and `fooled`, the share that a classifier of both
domains, fitted to the training pictures, takes for the one that was asked for. Of the trivial rows, one is the partner
of the training picture that is nearest. Without pairs, training is given others' partners, and the right ones serve
scores alone; `stargan` sees the two styles as two classes.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.classical import partners
from experiments.common import Keep, Pictures, add_pictures, recipe_of, sets
from experiments.ledger import measured
from experiments.restore import over
from experiments.second import second
from sparring.data import Dataset, Options, Split
from sparring.data.image.contact_sheet import side_by_side
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.paired_judge import PairedJudge
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe, judge
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES

IMAGES = {"pix2pix": 40_000, "cyclegan": 12_000, "cut": 12_000, "fastcut": 12_000, "stargan": 24_000}
STEPS = 600
"""That a classifier of two domains takes: it sees each picture some 20 times."""
READING = Options(size=(64, 64), channels="rgb")
METRICS = ["distance", "retrieval", "frechet"]
SCORES = ("l1", "psnr", "top1", "top5", "feature_distance", "frechet", "fooled")


def of_domains(data: Dataset) -> Dataset:
    """Both domains' pictures as classes: 0 is what is given, 1 what is made."""

    def part(x: Split) -> Split:
        assert x.condition is not None
        return Split(torch.cat([x.condition, x.values]), torch.arange(2).repeat_interleave(len(x)))

    return Dataset.of("domains", part(data.train), part(data.test), ("given", "made"))


def scored(made: Tensor, jury: PairedJudge, classifier: FeatureExtractor) -> dict[str, float]:
    row = jury.scores(made, "report", jury.select_metrics(METRICS))
    row["fooled"] = classifier.accuracy(made, torch.ones(len(made), dtype=torch.long))
    return {name: row[name] for name in SCORES}


def score(run: Path, jury: PairedJudge, classifier: FeatureExtractor, keep: Keep) -> dict[str, float]:
    model, held = sparring.load(run), jury.references["report"]
    assert isinstance(model, ImageToImageModel)
    label = model.classes[1] if model.classes else None
    made = torch.cat([model.apply(part, label=label) for part in held.condition.split(50)])
    keep(lambda: side_by_side([held.condition, made, held.truth]))
    return scored(made, jury, classifier)


def table(args: argparse.Namespace) -> list[dict]:
    spec = str(sets() / "emoji-pairs")
    whole = load_dataset(spec, READING)
    classifier = second(of_domains(whole), args.out, STEPS)
    jury = judge(for_recipe(whole, RECIPES["pix2pix"]))
    assert isinstance(jury, PairedJudge)
    held = jury.references["report"]
    trivial = {name: drawn.values for name, drawn in jury.baselines(len(held.truth))}
    assert whole.train.condition is not None
    trivial["nearest's partner"] = partners(held.condition, (whole.train.condition, whole.train.values))
    found = [{"row": name, "seed": "", **scored(made, jury, classifier)} for name, made in trivial.items()]
    by = f"translate.py, {jury.protocol('report', len(held.truth), jury.select_metrics(METRICS))}"
    for name in args.recipes:
        recipe = recipe_of(name)
        if recipe.name not in IMAGES:
            sys.exit(f"{recipe.name} makes no pictures of pictures here: there are {', '.join(IMAGES)}")
        seen = max(16, round(IMAGES[recipe.name] * args.share))
        recipe = over(recipe, seen)
        for seed in args.seeds:
            keep = partial(Pictures(args.pictures).keep, name, seed)
            tell = partial(score, jury=jury, classifier=classifier, keep=keep)
            seen_as = of_domains(whole) if recipe.conditional else whole
            about = (name, recipe, for_recipe(seen_as, recipe), seen, seed, by, tell)
            got = measured(args.out, *about, reading=READING, threads=args.threads, precision=args.precision)
            found.append({"row": name, "seed": seed, "images": seen, **got})
            print(line(found[-1]), file=sys.stderr)
    return found


def line(row: dict) -> str:
    return f"| {row['row']} | {row['seed']} | {' | '.join(f'{row[name]:.3f}' for name in SCORES)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipes", nargs="+", default=list(IMAGES), metavar="RECIPE[+NAME=VALUE…]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--share", type=float, default=1.0, help="of each recipe's images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="fp32", help="as for spar train")
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = table(args)
    if args.json:
        print(json.dumps({"rows": rows}))
        return
    print(f"| row | seed | {' | '.join(SCORES)} |\n|{'---|' * (len(SCORES) + 2)}")
    print("\n".join(map(line, rows)))


if __name__ == "__main__":
    main()
