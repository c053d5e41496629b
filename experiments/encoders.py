"""What encoders keep: reconstructions and samples of `ali`, `bigan` and `vae-gan` on MNIST.

    SPARRING_DATA=… python -m experiments encoders OUT [--recipes …] [--seeds 0] [--images 300000] [--json]

OUT holds the runs, of which the ledger (`ledger.py`) keeps count. Scored are the share of the 10,000 test digits whose
reconstruction is still taken for their class by a classifier that is not the judge's (`second.py`), the mean squared
error of reconstructions (brightness 0 to 1), and the Fréchet distance of 10,000 samples (judge, report part). `alone`
is that of the same generator and critic's body, played as `dcgan`, without the encoder; recipes whose networks are
alike share one such run.

Bars: 80 % keep their class; samples are no worse than without the encoder.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from torch import Tensor

import sparring
from experiments.ledger import measured
from experiments.second import accuracy, second
from sparring.data import Dataset
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.models.model import Model
from sparring.recipes import RECIPES, GameChoice, Network, Recipe, encoding

BAR = 0.8
BODY = ("width", "norm")
"""Of a critic's numbers, those of its body."""


def without(recipe: Recipe) -> Recipe:
    """The same networks without the encoder."""
    body = Network("dcgan-critic", {key: value for key, value in recipe.critic.numbers.items() if key in BODY})
    return replace(recipe, name=f"{recipe.name}-alone", critic=body, encoder=None, game=GameChoice("gan"), weights={})


def kept(classifier: FeatureExtractor, values: Tensor, data: Dataset) -> float:
    """The share of images that are taken for the class of the test example in their place."""
    assert isinstance(data.test.labels, Tensor)
    return classifier.accuracy(values, data.test.labels)


def wrong(values: Tensor, data: Dataset) -> float:
    return float((values.double() - data.test.values.double()).div(255).square().mean())


def frechet(model: Model, jury: ImageJudge) -> float:
    return jury.scores(model.sample(jury.sample_count("report")), "report", jury.select_metrics(["frechet"]))["frechet"]


def table(args: argparse.Namespace, data: Dataset, jury: ImageJudge, classifier: FeatureExtractor) -> list[dict]:
    by = f"encoders.py, {jury.protocol('report', jury.sample_count('report'))}"

    def samples(run: Path) -> dict:
        return {"frechet": frechet(sparring.load(run), jury)}

    def whole(run: Path) -> dict:
        again = sparring.load(run).reconstruct(data.test.values)
        return {"kept": kept(classifier, again, data), "error": wrong(again, data)} | samples(run)

    rows = []
    for name in args.recipes:
        recipe = RECIPES[name]
        for seed in args.seeds:
            about = (data, args.images, seed, by)
            alone = measured(args.out, f"{name}-alone", without(recipe), *about, samples)["frechet"]
            row = {"name": name, "seed": seed, **measured(args.out, name, recipe, *about, whole), "alone": alone}
            rows.append(row)
            print(row, file=sys.stderr)
    return rows


def trivial(data: Dataset, jury: ImageJudge, classifier: FeatureExtractor) -> list[dict]:
    """The test digits themselves; the mean image for each of them; and, for samples, noise and training copies."""
    copies = data.train.values[: jury.sample_count("report")]
    scores = {row.name: row.scores["frechet"] for row in evaluate_samples(copies, jury, ["frechet"]).rows}
    mean = data.train.values.double().mean(0).round().to(data.train.values.dtype).expand_as(data.test.values)
    rows = [("real", data.test.values), ("mean image", mean)]
    found = [{"name": name, "kept": kept(classifier, x, data), "error": wrong(x, data)} for name, x in rows]
    found = [row | {"frechet": scores[row["name"]]} for row in found]
    return [
        *found,
        {"name": "training copies", "frechet": scores["model"]},
        {"name": "noise", "frechet": scores["noise"]},
    ]


def shown(row: dict) -> str:
    def cell(name: str, form: str) -> str:
        return format(row[name], form) if name in row else ""

    met = ""
    if "alone" in row:
        met = ", ".join(
            word for word, held in (("class", row["kept"] >= BAR), ("samples", row["frechet"] <= row["alone"])) if held
        )
    numbers = [
        cell("seed", ""),
        cell("kept", ".1%"),
        cell("error", ".4f"),
        cell("frechet", ".2f"),
        cell("alone", ".2f"),
    ]
    return f"| {' | '.join([row['name'], *numbers, met])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipes", nargs="+", choices=encoding(), default=encoding())
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=300_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset("mnist")
    jury, classifier = judge(data), second(data, args.out)
    assert isinstance(jury, ImageJudge)
    rows = table(args, data, jury, classifier) + trivial(data, jury, classifier)
    about = f"classes by another network, {accuracy(classifier, data):.2%} right on test digits; Fréchet distance: "
    about += jury.protocol("report", jury.sample_count("report"))
    if args.json:
        print(json.dumps({"rows": rows, "protocol": about}))
        return
    print("| recipe | seed | keep their class | error | Fréchet | without the encoder | bars met |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(map(shown, rows)))
    print(about)


if __name__ == "__main__":
    main()
