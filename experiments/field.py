"""The table of the field: every recipe for images on MNIST (or Fashion-MNIST), and each steadier added to one base
recipe.

    SPARRING_DATA=… python -m experiments field OUT [--data mnist] [--rows …] [--seeds 0] [--images 300000]
        [--precision fp32] [--pictures DIR] [--json]

OUT holds the runs, of which the ledger (`ledger.py`) keeps count: a row is trained and scored once, until its
configuration or its code changes. Several of these may work on one OUT, with different rows.

Scores are of 10,000 samples against the report part: task-Fréchet, precision, recall, coverage; the share left of the
gap is (score − real row) / (median of `mlp-gan` after 50 epochs − real row), as `yardstick.py` recorded it. Where a
class is asked for, `asked` is the share of samples that another classifier (`second.py`) takes for it, and `within` the
least coverage inside a class, over that of as many real test images; for `infogan`, `asked` is the share in the best
matching of categories to classes. A run that ends by an alarm, because no remedy helped, has no row and is told of.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import sparring
from experiments.common import Keep, Pictures, add_pictures
from experiments.ledger import measured
from experiments.second import accuracy, second
from experiments.yardstick import middle
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.data.image.contact_sheet import contact_sheet
from sparring.games.shared.methods import METHODS
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.image.precision_recall import support
from sparring.metrics.judge import SampleSet
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.models.model import Model
from sparring.recipes import RECIPES, Recipe
from sparring.recipes.catalogue.r3gan_presets import PRESETS
from sparring.recipes.results import Measured, record
from sparring.training.health.recovery import RecoveryFailed
from sparring.training.journal import Journal

SAMPLES, SHOWN = 10_000, 64
SCORES = ["frechet", "precision", "recall", "coverage"]
METRICS = ["frechet", "support"]
"""What those are scores of."""
BASE = "dcgan"
ELSEWHERE = ("asked", "codes", "reconstruction", "likelihood")
"""Methods that want a table, a latent of their own, a critic that decodes."""
OPTIONS = {
    "spectral norm": {"critic.norm": "spectral"},
    "layer norm": {"critic.norm": "layer"},
    "no norm": {"critic.norm": "none"},
    "r1": {"penalties": "r1", "critic.norm": "none"},
    "lipschitz": {"penalties": "lipschitz", "critic.norm": "none"},
    "smoothing": {"smoothing": "0.1"},
    "instance noise": {"noise": "0.1"},
    "pack": {"pack": "2"},
    "unroll": {"unroll": "5"},
    "top-k": {"top-k": "0.75"},
}
OPTIONS |= {
    name: {"methods": name}
    for name, method in METHODS.items()
    if not (method.conditional or method.requires) and "gan" in method.games and name not in ELSEWHERE
}
"""Steadiers, as numbers of the base recipe."""


def rows() -> dict[str, Recipe]:
    plain = {
        name: recipe
        for name, recipe in RECIPES.items()
        if recipe.modality == "image" and name != "cogan" and recipe not in PRESETS
    }
    steadied = {f"{BASE}, {name}": with_flags(RECIPES[BASE], flags) for name, flags in OPTIONS.items()}
    return plain | steadied


def matched(categories: Tensor, classes: Tensor) -> float:
    """The share that agrees when each category stands for the class that makes the most of it (Hungarian method)."""
    table = torch.zeros(int(categories.max()) + 1, int(classes.max()) + 1)
    table.index_put_((categories, classes), torch.ones(len(classes)), accumulate=True)
    rows, columns = linear_sum_assignment(-table.numpy())
    return float(table[rows, columns].sum() / len(classes))


def asked(model: Model, samples: Tensor, classifier: FeatureExtractor) -> float | None:
    """The share of samples that show what was asked for; None if nothing can be."""
    guessed, recipe = classifier.predict(samples), model.spec.recipe
    labels = model.sampled_labels(len(samples))
    if labels is not None:
        return float((guessed == labels).float().mean())
    if not recipe.categories:
        return None
    z = torch.cat([model.draw_inputs(0, k)[0] for k in range(len(samples) // 500)])
    return matched(z[:, recipe.z : recipe.z + recipe.categories].argmax(1), guessed)


def within(model: Model, jury: ImageJudge, data: Dataset, each: int = 500) -> float | None:
    """The least coverage inside a class, over real test images' own."""
    if not model.classes:
        return None
    shares, real_labels = [], jury.labels[jury.span("report")]  # pyright: ignore[reportOptionalSubscript]
    for k, name in enumerate(model.classes):
        real = jury.features(jury.real_images("report")[real_labels == k])
        test = jury.features(data.test.values[data.test.labels == k][:each])
        fake = jury.features(model.sample(len(test), label=name))
        shares.append(support(fake, real).coverage / support(test, real).coverage)
    return min(shares)


def score(run: Path, jury: ImageJudge, data: Dataset, classifier: FeatureExtractor, keep: Keep) -> dict:
    model = sparring.load(run)
    samples = model.sample(SAMPLES)
    scores = jury.scores(samples, "report", jury.select_metrics(METRICS))
    journal = Journal(run / "journal.jsonl")
    row = {name: scores[name] for name in SCORES}
    row |= {"images": journal.entries[-1]["examples"], "minutes": journal.seconds / 60}
    row |= {"asked": asked(model, samples, classifier), "within": within(model, jury, data)}
    keep(lambda: model.preview(SHOWN).image if model.classes else contact_sheet(samples[:SHOWN]))
    return row


def baselines(jury: ImageJudge, data: Dataset) -> dict[str, float]:
    report = evaluate_samples(SampleSet(data.train.values[:SAMPLES]), jury, ["frechet"])
    return {row.name: row.scores["frechet"] for row in report.rows if row.name != "model"}


def line(row: dict) -> str:
    told = "".join(f" {'' if row[name] is None else f'{row[name]:.3f}'} |" for name in ("asked", "within"))
    parts = [f"{row[name]:.3f}" for name in ("precision", "recall", "coverage")]
    start = f"| {row['row']} | {row['seed']} | {row['frechet']:.2f} | {row['share_left']:.2f} |"
    return f"{start} {' | '.join(parts)} |{told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", nargs="+", choices=rows(), default=list(rows()), metavar="ROW")
    parser.add_argument("--data", choices=["mnist", "fashion-mnist"], default="mnist")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=300_000)
    parser.add_argument("--precision", default="fp32", help="as for spar train")
    add_pictures(parser)
    parser.add_argument("--record", action="store_true", help="write the recipes' rows into the package")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset(args.data)
    jury = judge(data)
    assert isinstance(jury, ImageJudge)
    classifier = second(data, args.out)
    trivial, yardstick, table = baselines(jury, data), middle(args.data), []
    protocol = jury.protocol("report", SAMPLES)
    for name in args.rows:
        for seed in args.seeds:
            keep = partial(Pictures(args.pictures).keep, name, seed)
            tell = partial(score, jury=jury, data=data, classifier=classifier, keep=keep)
            about = (name.replace(", ", "+"), rows()[name], data, args.images, seed, f"field.py, {protocol}")
            try:
                row = {"row": name, "seed": seed, **measured(args.out, *about, tell, precision=args.precision)}
            except RecoveryFailed as error:
                print(f"{name}, seed {seed}: {error}", file=sys.stderr)
                continue
            row["share_left"] = (row["frechet"] - trivial["real"]) / (yardstick - trivial["real"])
            table.append(row)
            print(line(row), file=sys.stderr)
    if args.record:
        names = [row for row in table if row["row"] in RECIPES]
        record([Measured(r["row"], args.data, r["images"], r["seed"], r["frechet"], r["share_left"]) for r in names])
    about = {
        "yardstick": yardstick,
        "baselines": trivial,
        "second_accuracy": accuracy(classifier, data),
        "protocol": protocol,
    }
    if args.json:
        print(json.dumps({"rows": table} | about))
        return
    print("| row | seed | Fréchet | share left | precision | recall | coverage | asked | within |")
    print(f"|{'---|' * 9}")
    print("\n".join(line(row) for row in sorted(table, key=lambda row: row["frechet"])))
    print(about)


if __name__ == "__main__":
    main()
