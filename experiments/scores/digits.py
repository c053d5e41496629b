"""Digits and their variants: `stacked`, `encoders` and `pairs`."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.plan import SHOWN, Plan, Run, duration, image_judge, train_options
from experiments.scores.second import accuracy, second
from experiments.table import STACKED_LOSSES
from sparring.build.overrides import with_flags
from sparring.data import Dataset, Split
from sparring.data.image.contact_sheet import contact_sheet
from sparring.data.image.edges import edge_maps
from sparring.data.named import stack_digits
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.classifier_scores import reverse_kl
from sparring.metrics.judge import Judge
from sparring.metrics.point.modes import FAIR_SHARE
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import RECIPES, GameChoice, Network, Recipe

STACKS, NUMBERS = 26_000, 1_000
PAIRS, AMONG = 10_000, 100
BODY = ("width", "norm")
"""Options of a critic that its body has."""


def digit_shares(labels: Tensor) -> Tensor:
    """(1000,): products of the shares of digits, of three-digit numbers (n,)."""
    digits = torch.stack([labels // 100, labels // 10 % 10, labels % 10]).flatten()
    share = digits.bincount(minlength=10).double() / len(digits)
    return (share[:, None, None] * share[:, None] * share).flatten()


class Counts:
    """Mode counts and reverse KL of stacks, uint8 (n, 3, 28, 28)."""

    def __init__(self, features: FeatureExtractor, data: Dataset):
        assert data.train.labels is not None
        self.features, self.shares = features, digit_shares(data.train.labels)

    def __call__(self, stacks: Tensor) -> dict[str, float]:
        predicted = self.features.predict(stacks)
        hits = predicted.bincount(minlength=NUMBERS)
        fair = int((hits >= FAIR_SHARE * self.shares * len(stacks)).sum())
        return {"modes": int((hits > 0).sum()), "fair": fair, "kl": reverse_kl(predicted, self.shares)}


def stacked(args: argparse.Namespace) -> Iterator[Plan]:
    data = load_dataset("stacked-mnist")
    evaluator = image_judge(data)
    counts, options = Counts(evaluator.features, data), train_options(args)
    runs = []
    for name, way in product(args.recipes, args.ways):
        recipe, row = with_flags(RECIPES[name], STACKED_LOSSES[way]), f"{name}, {way}"
        runs.append(Run(row.replace(", ", "+"), recipe, data, recipe.images, {"row": row}, options))
    new = stack_digits(load_dataset("mnist").test, STACKS, torch.Generator().manual_seed(1)).values
    trivial = {"new stacks of test digits": new, "one stack": new[:1].expand(STACKS, -1, -1, -1)}
    by = f"stacked.py, {evaluator.protocol('report', STACKS).split(';')[0]}; {STACKS:,} samples"
    baselines = [{"row": name, **counts(stacks)} for name, stacks in trivial.items()]
    yield Plan(by, runs, lambda run: counts(sparring.load(run).sample(STACKS)) | duration(run), baselines)


def without_encoder(recipe: Recipe) -> Recipe:
    """The same generator and body of the critic, trained as `dcgan`."""
    body = Network("dcgan-critic", {key: value for key, value in recipe.critic.numbers.items() if key in BODY})
    return replace(recipe, name=f"{recipe.name}-alone", critic=body, encoder=None, game=GameChoice("gan"), weights={})


def encoders(args: argparse.Namespace) -> Iterator[Plan]:
    data = load_dataset("mnist")
    evaluator, classifier, test = image_judge(data), second(data, args.out), data.test
    n = evaluator.sample_count("report")

    def samples(run: Path) -> dict:
        found = evaluator.scores(sparring.load(run).sample(n), "report", evaluator.select_metrics(["frechet"]))
        return {"frechet": found["frechet"]}

    def reconstructed(values: Tensor) -> dict:
        assert isinstance(test.labels, Tensor)
        error = (values.double() - test.values.double()).div(255).square().mean()
        return {"kept": classifier.accuracy(values, test.labels), "error": float(error)}

    def score(run: Path) -> dict:
        return reconstructed(sparring.load(run).reconstruct(test.values)) | samples(run)

    def finish(rows: list[dict]) -> list[dict]:
        alone = {(row["name"], row["seed"]): row["frechet"] for row in rows if row["networks"] == "alone"}
        whole = [row for row in rows if row["networks"] == "whole"]
        return [row | {"alone": alone.get((row["name"], row["seed"]))} for row in whole]

    runs = []
    for name in args.recipes:
        recipe, rest = RECIPES[name], (data, args.images)
        alone = without_encoder(recipe)
        runs.append(Run(alone.name, alone, *rest, {"name": name, "networks": "alone"}, score=samples))
        runs.append(Run(name, recipe, *rest, {"name": name, "networks": "whole"}))
    report = evaluate_samples(data.train.values[:n], evaluator, ["frechet"])
    distances = {row.name: row.scores["frechet"] for row in report.rows}
    mean = data.train.values.double().mean(0).round().to(data.train.values.dtype).expand_as(test.values)
    trivial = {"real": reconstructed(test.values), "mean image": reconstructed(mean)}
    trivial |= {"training copies": {}, "noise": {}}
    distances["training copies"] = distances.pop("model")
    baselines = [{"name": name, **found, "frechet": distances[name]} for name, found in trivial.items()]
    by = f"encoders.py, {evaluator.protocol('report', n)}"
    yield Plan(by, runs, score, baselines, {"second_accuracy": accuracy(classifier, data)}, finish)


def agreement(pairs: Tensor) -> float:
    """Fraction of uint8 pairs (n, 2c, h, w) whose second image is nearer to the edges of its first than to those of 99
    others: each hundred in order is compared within itself, a remainder is ignored."""
    first, second = pairs[: len(pairs) // AMONG * AMONG].chunk(2, 1)
    edges, generated = (x.flatten(1).float().unflatten(0, (-1, AMONG)) for x in (edge_maps(first), second))
    distance = torch.cdist(generated, edges)
    own = distance.diagonal(dim1=1, dim2=2).clone()
    distance.diagonal(dim1=1, dim2=2).fill_(float("inf"))
    return float((own < distance.min(2).values).double().mean())


def shuffled(pairs: Tensor) -> Tensor:
    """First images with second images of other pairs."""
    first, second = pairs.chunk(2, 1)
    return torch.cat([first, second[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))]], 1)


def edge_judge(digits: Dataset) -> Judge:
    train, test = (Split(edge_maps(part.values), part.labels) for part in (digits.train, digits.test))
    return judge(Dataset.of("edges of mnist", train, test, digits.names))


def pairs(args: argparse.Namespace) -> Iterator[Plan]:
    digits, data = load_dataset("mnist"), load_dataset("mnist+edges")
    of_digits, of_edges = judge(digits), edge_judge(digits)

    def row(name: str, pairs: Tensor) -> dict:
        first, second = pairs.chunk(2, 1)
        scores = of_digits.scores(first, "report", of_digits.select_metrics(["frechet", "classes"]))
        found = {"name": name, "agreement": agreement(pairs), "digits": int(scores["classes"])}
        return found | {"frechet": scores["frechet"], "frechet_edges": of_edges.scores(second)["frechet"]}

    def score(run: Path) -> dict:
        samples = sparring.load(run).sample(PAIRS)
        return {"rows": [row("cogan", samples), row("cogan shuffled", shuffled(samples))]}

    real = digits.test.values[:PAIRS]
    own = torch.cat([real, edge_maps(real)], 1)
    baselines = [row("real digits, own edges", own), row("real digits, others' edges", shuffled(own))]
    protocol = f"{PAIRS:,} pairs, best edges of {AMONG}; {of_digits.protocol('report', PAIRS)}"
    yield Plan(
        f"pairs.py, {protocol}",
        [Run("cogan", RECIPES["cogan"], data, args.images, {})],
        score,
        baselines,
        finish=lambda rows: [each | {"seed": found["seed"]} for found in rows for each in found["rows"]],
        picture=lambda model: contact_sheet(model.sample(SHOWN)),
    )
