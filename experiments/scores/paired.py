"""Images from images: `restore` and `translate`."""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import sparring
from experiments.plan import Plan, Run, data_folder, parse_recipe, train_options
from experiments.scores.classical import biharmonic, partners, tinted, total_variation
from experiments.scores.second import second
from experiments.table import TRANSLATORS, Task, rescheduled, tasks
from sparring.data import Dataset, Options, Split
from sparring.data.image.contact_sheet import side_by_side
from sparring.metrics.image.paired import MAX_PSNR
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit
from sparring.metrics.judge import SampleSet
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe, judge
from sparring.models.model import Model
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES

RESTORED = ("psnr", "ssim", "inside", "frechet", "feature_distance", "accuracy")
TRANSLATED = ("l1", "psnr", "top1", "top5", "feature_distance", "frechet", "fooled")
STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Weights of total variation; the best on the validation split is scored."""
EMOJI = Options(size=(64, 64), channels="rgb")
STEPS = 600
"""Of the classifier of two domains, some 20 passes over the images."""


def lost_psnr(made: Tensor, pairs: PairedSplit) -> float | None:
    """PSNR of the lost pixels of all images together; None where none are lost."""
    if pairs.mask_known is None:
        return None
    lost = (~pairs.mask_known).expand_as(pairs.truth)
    error = (made.double() - pairs.truth.double())[lost].square().mean() / 255**2
    return min(MAX_PSNR, -10 * math.log10(max(float(error), 1e-20)))


def classical(test: PairedSplit, select: PairedSplit) -> dict[str, Tensor]:
    """Restorations without networks, by name."""
    if test.mask_known is not None:
        return {"biharmonic": biharmonic(test.condition, test.mask_known)}
    if test.condition.shape[2:] != test.truth.shape[2:]:
        return {}
    if test.condition.shape != test.truth.shape:
        return {"mean colour": tinted(test.condition, (select.condition, select.truth))}
    noisy, clean = select.condition[:100], select.truth[:100].double()
    error = {w: float((total_variation(noisy, w).double() - clean).square().mean()) for w in STRENGTHS}
    return {"total variation": total_variation(test.condition, min(error, key=error.__getitem__))}


def apply(model: Model, pairs: PairedSplit, label: str | None = None) -> Tensor:
    assert isinstance(model, ImageToImageModel)
    masks = [None] * len(pairs.truth) if pairs.mask_known is None else pairs.mask_known.split(50)
    parts = zip(pairs.condition.split(50), masks, strict=False)
    return torch.cat([model.apply(x, known, label=label) for x, known in parts])


def paired_judge(data: Dataset) -> PairedJudge:
    found = judge(data)
    assert isinstance(found, PairedJudge)
    return found


def beside(pairs: PairedSplit, label: Callable[[Model], str | None] = lambda _: None) -> Callable[[Model], Image.Image]:
    return lambda model: side_by_side([pairs.condition, apply(model, pairs, label(model)), pairs.truth])


def restore(args: argparse.Namespace) -> Iterator[Plan]:
    chosen = tasks(args.share, args.flag)
    for name in args.tasks:
        yield restoration(name, chosen[name], args)


def restoration(name: str, task: Task, args: argparse.Namespace) -> Plan:
    reading = Options(size=(task.size, task.size) if task.size else None)
    whole = load_dataset(task.data if task.data == "mnist" else str(data_folder() / task.data), reading)
    data = for_recipe(whole, task.recipe)
    evaluator, labels = paired_judge(data), data.test.labels
    metrics = ["distance", "structure", "retrieval", "frechet"]
    classifier = second(whole, args.out) if task.data == "mnist" else None
    test, n = evaluator.references["report"], len(evaluator.references["report"].truth)

    def scores(made: Tensor) -> dict[str, float | None]:
        row = dict(evaluator.scores(made, "report", evaluator.choose_metrics(metrics, SampleSet(made), len(made))))
        accuracy = classifier.accuracy(made, labels) if classifier and labels is not None else None
        found = row | {"inside": lost_psnr(made, test), "accuracy": accuracy}
        return {score: found.get(score) for score in RESTORED}

    trivial = {row: drawn.values for row, drawn in evaluator.baselines(n)}
    trivial |= classical(test, evaluator.references["select"])
    baselines = [{"task": name, "row": row, **scores(made)} for row, made in trivial.items()]
    cells = {"task": name, "row": "model", "images": task.images}
    row = "+".join([name.replace(", ", "+"), *args.flag])
    run = Run(row, task.recipe, data, task.images, cells, train_options(args, reading=reading))
    by = f"restore.py, {evaluator.protocol('report', n, evaluator.select_metrics(metrics))}"
    return Plan(by, [run], lambda it: scores(apply(sparring.load(it), test)), baselines, picture=beside(test))


def of_domains(data: Dataset) -> Dataset:
    """Images of both domains with the domain as class: 0 for the source, 1 for the target."""

    def part(x: Split) -> Split:
        assert x.condition is not None
        return Split(torch.cat([x.condition, x.values]), torch.arange(2).repeat_interleave(len(x)))

    return Dataset.of("domains", part(data.train), part(data.test), ("given", "made"))


def target(model: Model) -> str | None:
    return model.classes[1] if model.classes else None


def translate(args: argparse.Namespace) -> Iterator[Plan]:
    whole = load_dataset(str(data_folder() / "emoji-pairs"), EMOJI)
    classifier = second(of_domains(whole), args.out, STEPS)
    evaluator = paired_judge(for_recipe(whole, RECIPES["pix2pix"]))
    metrics = evaluator.select_metrics(["distance", "retrieval", "frechet"])
    test, n = evaluator.references["report"], len(evaluator.references["report"].truth)

    def scores(made: Tensor) -> dict[str, float]:
        row = evaluator.scores(made, "report", metrics)
        row["fooled"] = classifier.accuracy(made, torch.ones(len(made), dtype=torch.long))
        return {name: row[name] for name in TRANSLATED}

    def score(run: Path) -> dict:
        model = sparring.load(run)
        return scores(apply(model, test, target(model)))

    runs, options = [], train_options(args, reading=EMOJI)
    for name in args.recipes:
        recipe = parse_recipe(name)
        if recipe.name not in TRANSLATORS:
            sys.exit(f"{recipe.name} does not translate images: use one of {', '.join(TRANSLATORS)}")
        images = max(16, round(TRANSLATORS[recipe.name] * args.share))
        recipe = rescheduled(recipe, images)
        data = for_recipe(of_domains(whole) if recipe.conditional else whole, recipe)
        runs.append(Run(name, recipe, data, images, {"row": name, "images": images}, options))
    trivial = {name: drawn.values for name, drawn in evaluator.baselines(n)}
    assert whole.train.condition is not None
    trivial["nearest's partner"] = partners(test.condition, (whole.train.condition, whole.train.values))
    baselines = [{"row": name, **scores(made)} for name, made in trivial.items()]
    by = f"translate.py, {evaluator.protocol('report', n, metrics)}"
    yield Plan(by, runs, score, baselines, picture=beside(test, target))
