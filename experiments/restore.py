"""Restoration: holes, noise, four times the size, edges and grey to photographs; on test pictures, beside what was done
before networks.

    SPARRING_DATA=… python -m experiments restore OUT [--tasks …] [--seeds 0] [--share 1.0] [--precision fp32]
        [--flag NAME=VALUE …] [--pictures DIR] [--json]

OUT holds the runs, of which the ledger (`ledger.py`) keeps count. Scores are of up to 1,000 test pictures, whose damage
is drawn by a fixed seed: PSNR and SSIM picture by picture; `inside`, the PSNR of lost pixels of all pictures together;
the Fréchet distance and the distance of features, by the judge; for digits, the share that a classifier which is not
the judge's (`second.py`) takes for what they are. `--share 0.01` trains on a hundredth of the images, to see it work.

`×4, L1` is the first stage of `×4` alone, as long as both.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.classical import biharmonic, tinted, total_variation
from experiments.common import Keep, Pictures, add_flags, add_pictures, flags, sets
from experiments.ledger import measured
from experiments.second import second
from sparring.build.overrides import with_flags
from sparring.data import Dataset, Options
from sparring.data.image.contact_sheet import side_by_side
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.paired import MAX_PSNR
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit
from sparring.metrics.judge import SampleSet
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import for_recipe, judge
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES, Recipe
from sparring.schedules import Cosine, Linear

METRICS = ["distance", "structure", "retrieval", "frechet"]
SCORES = ("psnr", "ssim", "inside", "frechet", "feature_distance", "accuracy")
STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Weights of total variation, of which the one that is best on pictures held out of training is taken."""


@dataclass(frozen=True)
class Task:
    data: str
    recipe: Recipe
    images: int
    size: int | None = None

    @property
    def reading(self) -> Options:
        return Options(size=(self.size, self.size) if self.size else None)


def over(recipe: Recipe, images: int, warm_up: float | None = None) -> Recipe:
    """The recipe with its schedule over so many images, and its warm-up a share of them."""
    share = recipe.game.options.get("warm_up", 0) / recipe.images if warm_up is None else warm_up
    lr = replace(recipe.lr, images=images) if isinstance(recipe.lr, Cosine | Linear) else recipe.lr
    recipe = replace(recipe, images=images, lr=lr)
    return recipe.with_options(warm_up=round(share * images)) if share else recipe


def tasks(share: float = 1.0, numbers: Sequence[str] = ()) -> dict[str, Task]:
    def task(
        data: str, name: str, images: int, size: int | None, warm_up: float | None = None, damage=(), **more
    ) -> Task:
        seen = max(64, round(images * share))
        recipe = replace(RECIPES[name], **more)
        recipe = recipe.with_options(degradations=damage) if damage else recipe
        recipe = with_flags(over(recipe, seen, warm_up), flags(numbers))
        return Task(data, recipe, seen, size)

    found = {
        "mnist hole": task("mnist", "inpaint", 300_000, None, damage=("box:0.5",)),
        "mnist noise": task("mnist", "denoise", 350_000, None, damage=("noise:0.5",), warm_up=1.0),
    }
    for data in ("eurosat-4k", "trashnet-128"):
        kind = data.split("-")[0]
        found[f"{kind} hole"] = task(data, "inpaint", 120_000, 64, damage=("box:0.375",))
        found[f"{kind} ×4"] = task(data, "upscale", 60_000, 64)
        found[f"{kind} ×4, L1"] = task(data, "upscale", 60_000, 64, warm_up=1.0, selection_metric="")
    edges = {"game": replace(RECIPES["pix2pix"].game, name="restoration"), "damage": ("edges",)}
    found["trashnet edges"] = task("trashnet-128", "pix2pix", 30_000, 64, **edges)
    found["trashnet grey"] = task("trashnet-128", "colorize", 60_000, 64)
    return found


def inside(made: Tensor, held: PairedSplit) -> float | None:
    """PSNR of the lost pixels of all pictures together."""
    if held.mask_known is None:
        return None
    lost = (~held.mask_known).expand_as(held.truth)
    error = (made.double() - held.truth.double())[lost].square().mean() / 255**2
    return min(MAX_PSNR, -10 * math.log10(max(float(error), 1e-20)))


def classical(held: PairedSplit, select: PairedSplit) -> Mapping[str, Tensor]:
    if held.mask_known is not None:
        return {"biharmonic": biharmonic(held.condition, held.mask_known)}
    if held.condition.shape[2:] != held.truth.shape[2:]:
        return {}
    if held.condition.shape != held.truth.shape:
        return {"mean colour": tinted(held.condition, (select.condition, select.truth))}
    first = slice(0, 100)
    error = {w: _wrong(total_variation(select.condition[first], w), select.truth[first]) for w in STRENGTHS}
    return {"total variation": total_variation(held.condition, min(error, key=error.__getitem__))}


def _wrong(x: Tensor, y: Tensor) -> float:
    return float((x.double() - y.double()).square().mean())


def scored(
    made: Tensor, data: Dataset, jury: PairedJudge, classifier: FeatureExtractor | None
) -> dict[str, float | None]:
    held = jury.references["report"]
    case = SampleSet(made)
    chosen = jury.choose_metrics(METRICS, case, len(made))
    row: dict[str, float | None] = dict(jury.scores(made, "report", chosen))
    row["inside"] = inside(made, held)
    labels = data.test.labels
    row["accuracy"] = classifier.accuracy(made, labels) if classifier and labels is not None else None
    return {name: row.get(name) for name in SCORES}


def score(
    run: Path, data: Dataset, jury: PairedJudge, classifier: FeatureExtractor | None, keep: Keep
) -> dict[str, float | None]:
    model, held = sparring.load(run), jury.references["report"]
    assert isinstance(model, ImageToImageModel)
    parts = zip(
        held.condition.split(50),
        (held.mask_known if held.mask_known is not None else held.condition).split(50),
        strict=True,
    )
    made = torch.cat([model.apply(x, k if held.mask_known is not None else None) for x, k in parts])
    keep(lambda: side_by_side([held.condition, made, held.truth]))
    return scored(made, data, jury, classifier)


def line(name: str, seed: object, row: Mapping[str, float | None]) -> str:
    cells = ["" if row[score] is None else f"{row[score]:.3f}" for score in SCORES]
    return f"| {name} | {seed} | {' | '.join(cells)} |"


def rows_of(name: str, task: Task, args: argparse.Namespace) -> list[dict]:
    """The trivial rows, and a seed's row each."""
    root = sets()
    spec = task.data if task.data == "mnist" else str(root / task.data)
    whole = load_dataset(spec, task.reading)
    data = for_recipe(whole, task.recipe)
    jury = judge(data)
    assert isinstance(jury, PairedJudge)
    classifier = second(whole, args.out) if task.data == "mnist" else None
    held, found = jury.references["report"], []
    trivial = {row: drawn.values for row, drawn in jury.baselines(len(held.truth))}
    for row, made in (trivial | dict(classical(held, jury.references["select"]))).items():
        found.append({"task": name, "row": row, "seed": "", **scored(made, data, jury, classifier)})
    by = f"restore.py, {jury.protocol('report', len(held.truth), jury.select_metrics(METRICS))}"
    for seed in args.seeds:
        keep = partial(Pictures(args.pictures).keep, "-".join([name, *args.flag]), seed)
        tell = partial(score, data=data, jury=jury, classifier=classifier, keep=keep)
        row = "+".join([name.replace(", ", "+"), *args.flag])
        about = (row, task.recipe, data, task.images, seed, by, tell)
        got = measured(args.out, *about, reading=task.reading, threads=args.threads, precision=args.precision)
        found.append({"task": name, "row": "model", "seed": seed, "images": task.images, **got})
    for row in found:
        print(line(f"{name}: {row['row']}", row["seed"], row), file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=tasks(), default=list(tasks()), metavar="TASK")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--share", type=float, default=1.0, help="of each task's images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="fp32", help="as for spar train")
    add_flags(parser)
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chosen = tasks(args.share, args.flag)
    table = [row for name in args.tasks for row in rows_of(name, chosen[name], args)]
    if args.json:
        print(json.dumps({"rows": table}))
        return
    print(f"| row | seed | {' | '.join(SCORES)} |\n|{'---|' * (len(SCORES) + 2)}")
    print("\n".join(line(f"{row['task']}: {row['row']}", row["seed"], row) for row in table))


if __name__ == "__main__":
    main()
