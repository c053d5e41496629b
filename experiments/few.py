"""A hundred images: what augmentation does for them, and what another run's weights do.

    SPARRING_DATA=… python -m experiments few OUT DATA [--size 32] [--count 100] [--recipes …] [--images 100000]
        [--source RUN [--freeze 2]] [--seeds 0] [--pictures DIR] [--json]

A recipe may be followed by numbers of it as `spar train` has them: `dcgan+lr=1e-3`. Each learns from the same
`count` images of DATA (a folder, or any SPEC), drawn once, without their classes, and sees as many: plainly, with
DiffAugment, with adaptive augmentation, and with p rising to .3; with a source, a run of the same recipe on other
images, each way is played from its weights too, with as many of the critic's first layers held. OUT holds the runs,
of which the ledger (`ledger.py`) keeps count. The Fréchet distance is that of 5,000 samples to all training images
of DATA, on features of a classifier of DATA; "copied" is the share of samples that lie too close to one of the
hundred (docs/reference/metrics.md), p by Fisher's test. Both weights that a run keeps are scored: the best by its own
score, which knows no more than the hundred, and the last.

Beside them: the hundred themselves, drawn again and again, which is all that augmentation in the plain sense could give
and is copied by definition; and the test images of DATA.
"""

import argparse
import json
import sys
from functools import partial
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.common import Keep, Pictures, add_pictures, recipe_of
from experiments.ledger import measured
from sparring.build.overrides import with_flags
from sparring.data import Dataset, Options, Split
from sparring.data.image.contact_sheet import contact_sheet
from sparring.metrics.image.frechet import frechet
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.image.memorisation import TrainingNeighbours, memorisation
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge

SAMPLES, SHOWN = 5_000, 64
WAYS = {"plain": {"augment": ""}, "diffaugment": {"augment": "diffaugment"}}
WAYS["ada"] = {"augment": "ada", "augment-p": "0", "augment-target": "0.6"}
WAYS["rising"] = {"augment": "ada", "augment-p": "0:0.3"}
"""What a recipe's critic sees, as flags. Relativistic ones have no sign for `ada` to go by."""


def some(full: Dataset, count: int) -> Dataset:
    """So many of the training images, drawn once, without classes."""
    chosen = torch.randperm(len(full.train), generator=torch.Generator().manual_seed(0))[:count]
    train, test = Split(full.train.values[chosen]), Split(full.test.values)
    return Dataset.of(f"{count} of {Path(full.spec).name}", train, test, ())


class Scores:
    """Of samples that were learnt from `few` of the images of `full`."""

    def __init__(self, full: Dataset, few: Dataset):
        jury = judge(full)
        assert isinstance(jury, ImageJudge)
        self.jury, self.real = jury, jury.features(full.train.values)
        self.memory = TrainingNeighbours(jury.features(few.train.values), jury.features(full.test.values))

    def __call__(self, values: Tensor) -> dict[str, float]:
        features = self.jury.features(values)
        copied = memorisation(features, self.memory)
        return {"frechet": frechet(features, self.real), "copied": copied.share, "p": copied.p}


def by_weights(run: Path, scores: Scores, keep: Keep) -> dict[str, dict]:
    keep(lambda: contact_sheet(sparring.load(run).sample(SHOWN)))
    return {weights: scores(sparring.load(run, weights).sample(SAMPLES)) for weights in ("best", "last")}


def line(row: dict) -> str:
    head = f"| {row['recipe']} | {row['way']} | {row['seed']} | {row['weights']} |"
    return f"{head} {row['frechet']:.1f} | {row['copied']:.4f} | {row['p']:.2g} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("data")
    parser.add_argument("--size", type=Options.parse_size, default=(32, 32))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--recipes", nargs="+", default=["dcgan"], metavar="RECIPE[+NAME=VALUE…]")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, metavar="WAY")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--source", type=Path, help="a run on other images, to start from")
    parser.add_argument("--freeze", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    full = load_dataset(args.data, Options(size=args.size))
    few = some(full, args.count)
    scores, rows = Scores(full, few), []
    judged = scores.jury.protocol("report", SAMPLES).split(";")[0]
    protocol = f"{judged}; {SAMPLES:,} samples against {len(full.train):,} training images; Fréchet distance, ddof 1"
    starts = {"": {}} | ({"+transfer": {"source": args.source, "freeze": args.freeze}} if args.source else {})
    for recipe, way, start, seed in product(args.recipes, args.ways, starts, args.seeds):
        name = f"{recipe}+{way}{start}"
        numbers = with_flags(recipe_of(recipe), WAYS[way])
        tell = partial(by_weights, scores=scores, keep=partial(Pictures(args.pictures).keep, name, seed))
        told = measured(args.out, name, numbers, few, args.images, seed, f"few.py, {protocol}", tell, **starts[start])
        about = {"recipe": recipe, "way": f"{way}{start}", "seed": seed}
        rows += [about | {"weights": weights} | row for weights, row in told.items()]
        print("\n".join(line(row) for row in rows[-2:]), file=sys.stderr)
    trivial = {"the images themselves": few.train.values, "test images": full.test.values}
    about = {"way": "", "seed": "", "weights": ""}
    rows += [{"recipe": name} | about | scores(values) for name, values in trivial.items()]
    if args.json:
        print(json.dumps({"rows": rows, "protocol": protocol}))
        return
    print("| recipe | way | seed | weights | Fréchet | copied | p |")
    print(f"|{'---|' * 7}")
    print("\n".join(line(row) for row in rows))


if __name__ == "__main__":
    main()
