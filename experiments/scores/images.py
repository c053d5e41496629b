"""Generated images: `field`, `colour`, `few` and `search`."""

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import sparring
from experiments.plan import Plan, Run, duration, image_judge, parse_flags, parse_recipe, train_options
from experiments.scores.second import accuracy, second
from experiments.table import AUGMENTATIONS, field_recipes
from experiments.yardstick import recorded_median
from sparring.build.overrides import with_flags
from sparring.data import Dataset, Options, Split
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.frechet import frechet
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.image.memorisation import TrainingNeighbours, memorisation
from sparring.metrics.image.precision_recall import support
from sparring.metrics.judge import SampleSet
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.models.model import Model
from sparring.recipes import RECIPES, get_recipe
from sparring.recipes.results import Measured, record
from sparring.training.journal import Journal

FIELD_SAMPLES, SAMPLES = 10_000, 5_000
SCORES = ("frechet", "precision", "recall", "coverage")


def matched(categories: Tensor, classes: Tensor) -> float:
    """Agreement of categories and classes in their best matching (Hungarian method)."""
    table = torch.zeros(int(categories.max()) + 1, int(classes.max()) + 1)
    table.index_put_((categories, classes), torch.ones(len(classes)), accumulate=True)
    rows, columns = linear_sum_assignment(-table.numpy())
    return float(table[rows, columns].sum() / len(classes))


def conditional_accuracy(model: Model, samples: Tensor, classifier: FeatureExtractor) -> float | None:
    """Fraction of samples of the requested class or category; None for an unconditional model."""
    predicted, recipe = classifier.predict(samples), model.spec.recipe
    labels = model.sampled_labels(len(samples))
    if labels is not None:
        return float((predicted == labels).float().mean())
    if not recipe.categories:
        return None
    z = torch.cat([model.draw_inputs(0, k)[0] for k in range(len(samples) // 500)])
    return matched(z[:, recipe.z : recipe.z + recipe.categories].argmax(1), predicted)


def lowest_class_coverage(model: Model, evaluator: ImageJudge, data: Dataset, each: int = 500) -> float | None:
    """Lowest coverage in a class, over that of as many test images."""
    if not model.classes:
        return None
    shares, real_labels = [], evaluator.labels[evaluator.span("report")]  # pyright: ignore[reportOptionalSubscript]
    for k, name in enumerate(model.classes):
        real = evaluator.features(evaluator.real_images("report")[real_labels == k])
        test = evaluator.features(data.test.values[data.test.labels == k][:each])
        fake = evaluator.features(model.sample(len(test), label=name))
        shares.append(support(fake, real).coverage / support(test, real).coverage)
    return min(shares)


def field(args: argparse.Namespace) -> Iterator[Plan]:
    data = load_dataset(args.data)
    evaluator, classifier, yardstick = image_judge(data), second(data, args.out), recorded_median(args.data)
    report = evaluate_samples(SampleSet(data.train.values[:FIELD_SAMPLES]), evaluator, ["frechet"])
    baselines = {row.name: row.scores["frechet"] for row in report.rows if row.name != "model"}

    def score(run: Path) -> dict:
        model = sparring.load(run)
        samples = model.sample(FIELD_SAMPLES)
        scores = evaluator.scores(samples, "report", evaluator.select_metrics(["frechet", "support"]))
        asked, within = conditional_accuracy(model, samples, classifier), lowest_class_coverage(model, evaluator, data)
        return {name: scores[name] for name in SCORES} | duration(run) | {"asked": asked, "within": within}

    def finish(rows: list[dict]) -> list[dict]:
        for row in rows:
            row["share_left"] = (row["frechet"] - baselines["real"]) / (yardstick - baselines["real"])
        if args.record:
            names = ("images", "seed", "frechet", "share_left")
            named = [row for row in rows if row["row"] in RECIPES]
            record([Measured(row["row"], args.data, *(row[name] for name in names)) for row in named])
        return sorted(rows, key=lambda row: row["frechet"])

    recipes, options = field_recipes(), train_options(args)
    runs = [Run(n.replace(", ", "+"), recipes[n], data, args.images, {"row": n}, options) for n in args.rows]
    about = {"yardstick": yardstick, "baselines": baselines, "second_accuracy": accuracy(classifier, data)}
    yield Plan(f"field.py, {evaluator.protocol('report', FIELD_SAMPLES)}", runs, score, about=about, finish=finish)


def colour(args: argparse.Namespace) -> Iterator[Plan]:
    reading = Options(size=args.size)
    data = load_dataset(args.data, reading)
    evaluator = image_judge(data)
    real, n = evaluator.features(evaluator.train), evaluator.sample_count("report")

    def score(run: Path) -> dict:
        model = sparring.load(run)
        samples = model.sample(SAMPLES)
        case = SampleSet(samples[:n], model.sampled_labels(n))
        report = evaluate_samples(case, evaluator, ["frechet", "support", "memorisation"])
        row = {name: report.rows[0].scores[name] for name in (*SCORES, "copied")} | duration(run)
        return row | {"train": frechet(evaluator.features(samples), real), "real": report.rows[1].scores["frechet"]}

    def finish(rows: list[dict]) -> list[dict]:
        base = {row["seed"]: row["train"] for row in rows if row["row"] == "dcgan"}
        return [row | {"of_dcgan": row["train"] / base[row["seed"]] if row["seed"] in base else None} for row in rows]

    # Slow recipes need many reports to have some in time: the best of them is scored.
    options = train_options(args, reports=50, reading=reading)
    recipes = {name: parse_recipe(name) for name in args.rows}
    runs = [Run(name, recipe, data, recipe.images, {"row": name}, options) for name, recipe in recipes.items()]
    trivial = {"test images": data.test.values, "mean image": dict(evaluator.baselines(SAMPLES))["mean image"].values}
    about = {"baselines": {name: frechet(evaluator.features(values), real) for name, values in trivial.items()}}
    by = f"colour.py, {SAMPLES:,} samples to training images; {evaluator.protocol('report', n)}"
    yield Plan(by, runs, score, about=about, finish=finish)


def subset(full: Dataset, count: int) -> Dataset:
    """`count` random training images without classes, and the test split."""
    chosen = torch.randperm(len(full.train), generator=torch.Generator().manual_seed(0))[:count]
    train, test = Split(full.train.values[chosen]), Split(full.test.values)
    return Dataset.of(f"{count} of {Path(full.spec).name}", train, test, ())


def few(args: argparse.Namespace) -> Iterator[Plan]:
    full = load_dataset(args.data, Options(size=args.size))
    data, evaluator = subset(full, args.count), image_judge(full)
    real = evaluator.features(full.train.values)
    memory = TrainingNeighbours(evaluator.features(data.train.values), evaluator.features(full.test.values))

    def scores(values: Tensor) -> dict[str, float]:
        features = evaluator.features(values)
        copied = memorisation(features, memory)
        return {"frechet": frechet(features, real), "copied": copied.share, "p": copied.p}

    def score(run: Path) -> dict:
        return {weights: scores(sparring.load(run, weights).sample(SAMPLES)) for weights in ("best", "last")}

    def finish(rows: list[dict]) -> list[dict]:
        return [
            {name: row[name] for name in ("recipe", "way", "seed")} | {"weights": weights} | row[weights]
            for row in rows
            for weights in ("best", "last")
        ]

    starts = {"": {}} | ({"+transfer": {"source": args.source, "freeze": args.freeze}} if args.source else {})
    runs = []
    for recipe, way, start in product(args.recipes, args.ways, starts):
        augmented = with_flags(parse_recipe(recipe), AUGMENTATIONS[way])
        labels = {"recipe": recipe, "way": f"{way}{start}"}
        runs.append(Run(f"{recipe}+{way}{start}", augmented, data, args.images, labels, starts[start]))
    trivial = {"the images themselves": data.train.values, "test images": full.test.values}
    baselines = [{"recipe": name, **scores(values)} for name, values in trivial.items()]
    extractor = evaluator.protocol("report", SAMPLES).split(";")[0]
    protocol = f"{extractor}; {SAMPLES:,} samples against {len(full.train):,} training images"
    yield Plan(f"few.py, {protocol}; Fréchet distance, ddof 1", runs, score, baselines, finish=finish)


def search(args: argparse.Namespace) -> Iterator[Plan]:
    data = load_dataset(args.data)
    evaluator, (flag, *values) = judge(data), args.vary
    n = evaluator.sample_count("report")

    def score(run: Path) -> dict:
        metrics = evaluator.select_metrics(["frechet", "support"])
        found = evaluator.scores(sparring.load(run).sample(n), "report", metrics)
        way = [entry["scores"][evaluator.score_names[0]] for entry in Journal(run / "journal.jsonl").entries]
        return {"way": way} | {name: found[name] for name in SCORES}

    def finish(rows: list[dict]) -> list[dict]:
        return [row | {"on the way": ", ".join(f"{x:.1f}" for x in row["way"])} for row in rows]

    recipes = {v: with_flags(get_recipe(args.recipe), parse_flags(args.flag) | {flag: v}) for v in values}
    name = f"{args.recipe}-{flag}"
    runs = [Run(name, recipe, data, args.images, {"flag": flag, "value": v}) for v, recipe in recipes.items()]
    yield Plan(f"search.py, {evaluator.protocol('report', n)}", runs, score, finish=finish)
