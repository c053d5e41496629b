"""The 1,000 modes of stacked MNIST: relativistic pairing with R1 and R2 beside the plain game with R1, on the networks
of one recipe.

    SPARRING_DATA=… python -m experiments stacked OUT [--recipes r3gan] [--ways …] [--seeds 0] [--minutes 60]
        [--threads 2] [--device cpu] [--pictures DIR] [--json]

Each run has so many minutes, or the recipe's own number of images, whichever is over first; OUT holds the runs, of
which the ledger (`ledger.py`) keeps count. 26,000 samples of the best weights are read by a classifier of digits, a
channel at a time: how many of the 1,000 numbers are there at all ("modes", as in the papers), how many have a quarter
of their share, and KL(samples ‖ data) over them, where the data's shares are products of those of MNIST's digits.
Beside them: 26,000 new stacks of test digits, whose KL is the floor for so many samples, and one stack, repeated.

Metz et al. 2017 (arXiv:1611.02163), section 3.3.1; the sample count of Lin et al. 2018 (arXiv:1712.04086).
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.common import Keep, Pictures, add_pictures
from experiments.ledger import measured
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.data.image.contact_sheet import contact_sheet
from sparring.data.named import stack_digits
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.classifier_scores import reverse_kl
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.point.modes import FAIR_SHARE
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import RECIPES
from sparring.training.journal import Journal

SAMPLES, SHOWN, CLASSES = 26_000, 64, 1_000
WAYS = {"relativistic, R1 and R2": {}, "non-saturating, R1": {"objective": "non-saturating", "penalties": "r1"}}
"""As flags of recipes that are relativistic with both penalties by themselves."""


def digit_shares(labels: Tensor) -> Tensor:
    """(1000,), the products of the digits' own shares, of numbers (n,) of three digits."""
    digits = torch.stack([labels // 100, labels // 10 % 10, labels % 10]).flatten()
    share = digits.bincount(minlength=10).double() / len(digits)
    return (share[:, None, None] * share[:, None] * share).flatten()


class Counts:
    """Of stacks, uint8 (n, 3, 28, 28)."""

    def __init__(self, features: FeatureExtractor, data: Dataset):
        assert data.train.labels is not None
        self.features, self.shares = features, digit_shares(data.train.labels)

    def __call__(self, stacks: Tensor) -> dict[str, float]:
        guesses = self.features.predict(stacks)
        hits = guesses.bincount(minlength=CLASSES)
        fair = int((hits >= FAIR_SHARE * self.shares * len(stacks)).sum())
        return {"modes": int((hits > 0).sum()), "fair": fair, "kl": reverse_kl(guesses, self.shares)}


def score(run: Path, counts: Counts, keep: Keep) -> dict[str, float]:
    model, journal = sparring.load(run), Journal(run / "journal.jsonl")
    keep(lambda: contact_sheet(model.sample(SHOWN)))
    seen = {"images": journal.entries[-1]["examples"], "minutes": journal.seconds / 60}
    return counts(model.sample(SAMPLES)) | seen


def trivial(data: Dataset, counts: Counts) -> dict[str, dict[str, float]]:
    new = stack_digits(load_dataset("mnist").test, SAMPLES, torch.Generator().manual_seed(1)).values
    return {"new stacks of test digits": counts(new), "one stack": counts(new[:1].expand(SAMPLES, -1, -1, -1))}


def line(row: dict) -> str:
    length = f"{row['images']:,} | {row['minutes']:.0f}" if "images" in row else " | "
    return f"| {row['row']} | {row.get('seed', '')} | {row['modes']:,} | {row['fair']:,} | {row['kl']:.3f} | {length} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=["r3gan"], metavar="RECIPE")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset("stacked-mnist")
    jury = judge(data)
    assert isinstance(jury, ImageJudge)
    counts, rows = Counts(jury.features, data), []
    protocol = f"{jury.protocol('report', SAMPLES).split(';')[0]}; {SAMPLES:,} samples"
    more = {"minutes": args.minutes, "threads": args.threads, "device": args.device, "precision": "auto"}
    for name, way, seed in ((name, way, seed) for name in args.recipes for way in args.ways for seed in args.seeds):
        recipe, row = with_flags(RECIPES[name], WAYS[way]), f"{name}, {way}"
        tell = partial(score, counts=counts, keep=partial(Pictures(args.pictures).keep, f"stacked-{row}", seed))
        about = (row.replace(", ", "+"), recipe, data, recipe.images, seed, f"stacked.py, {protocol}")
        rows.append({"row": row, "seed": seed, **measured(args.out, *about, tell, **more)})
        print(line(rows[-1]), file=sys.stderr)
    rows += [{"row": name, **found} for name, found in trivial(data, counts).items()]
    if args.json:
        print(json.dumps({"rows": rows, "protocol": protocol}))
        return
    print("| | seed | modes | with a quarter of their share | KL | images | minutes |\n|" + "---|" * 7)
    print("\n".join(line(row) for row in rows))
    print(protocol)


if __name__ == "__main__":
    main()
