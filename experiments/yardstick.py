"""MLP GAN and DCGAN on MNIST or Fashion-MNIST, beside a plain tutorial loop.

    SPARRING_DATA=… python -m experiments yardstick OUT [--data mnist] [--ways plain mlp-gan dcgan] [--seeds 0 1 2]
        [--precision fp32] [--threads N] [--record] [--json]

Trains the runs that OUT lacks (plain loop and `mlp-gan` for 50 epochs, `dcgan` for its default number of images), then
scores 10,000 samples of each on the report split. Prints scores, seconds and the share of the gap that is left:
(score − real) / (median of the MLP GANs − real). After an interruption, the same command continues.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

import sparring
from experiments.ledger import trained
from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import get_recipe
from sparring.recipes.results import Measured, record
from sparring.recipes.results import measured_results as recorded
from sparring.training.journal import Journal

PLAIN = Path(__file__).parents[1] / "benchmarks" / "plain.py"


def plain(data: Dataset, folder: Path, seed: int) -> tuple[torch.Tensor, float]:
    """Samples, uint8 (n, 1, 28, 28), and the seconds of training."""
    path = folder / f"plain-{data.spec}-{seed}.npz"
    if not path.exists():
        words = ["--data", data.spec, "--seed", str(seed), "--out", str(path)]
        subprocess.run([sys.executable, PLAIN, *words], check=True, stdout=sys.stderr)
    stored = np.load(path)
    return torch.from_numpy(stored["images"])[:, None], float(stored["seconds"])


def ours(name: str, precision: str, data: Dataset, folder: Path, seed: int) -> tuple[torch.Tensor, float]:
    options = {"reports": 10, "threads": torch.get_num_threads(), "precision": precision}
    run = trained(folder, name, get_recipe(name), data, get_recipe(name).images, seed, **options)
    return sparring.load(run).sample(10_000), Journal(run / "journal.jsonl").seconds


def recorded_median(data: str) -> float:
    """The median recorded score of the MLP GANs after 50 epochs."""
    key = ("mlp-gan", data, get_recipe("mlp-gan").images)
    if not (scores := [row.frechet for row in recorded() if (row.recipe, row.data, row.images) == key]):
        sys.exit(f"no recorded MLP GAN of {data}: run python -m experiments yardstick OUT --data {data} --record")
    return statistics.median(scores)


METHODS = ["plain", "mlp-gan", "dcgan"]
Method = Callable[[Dataset, Path, int], tuple[torch.Tensor, float]]


def table(folder: Path, data: Dataset, ways: dict[str, Method], seeds: list[int], evaluator: Judge) -> list[dict]:
    rows = []
    for name, way in ways.items():
        for seed in seeds:
            samples, seconds = way(data, folder, seed)
            score = evaluator.scores(samples)["frechet"]
            rows.append({"name": name, "seed": seed, "frechet": score, "seconds": seconds})
            print(rows[-1], file=sys.stderr)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=["mnist", "fashion-mnist"], default="mnist")
    parser.add_argument("--ways", choices=METHODS, nargs="+", default=METHODS, help="mlp-gan for the share of the gap")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="fp32", help="of mlp-gan and dcgan, as for spar train")
    parser.add_argument("--threads", type=int, help="default: all")
    parser.add_argument("--record", action="store_true", help="write the MLP GAN's rows into the package")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset(args.data)
    evaluator = judge(data)
    trivial = evaluate_samples(data.train.values[:10_000], evaluator, ["frechet"])
    baseline = {row.name: row.scores["frechet"] for row in trivial.rows}
    baseline["training copies"] = baseline.pop("model")
    ways = {name: plain if name == "plain" else partial(ours, name, args.precision) for name in args.ways}
    rows = table(args.out, data, ways, args.seeds, evaluator)
    medians = {
        name: statistics.median(row["frechet"] for row in rows if row["name"] == name)
        for name in dict.fromkeys(row["name"] for row in rows)
    }
    gap = medians.get("mlp-gan", math.nan) - baseline["real"]
    for row in rows:
        row["share_left"] = (row["frechet"] - baseline["real"]) / gap
    if args.record:
        images, names = get_recipe("mlp-gan").images, ("seed", "frechet", "share_left")
        mlp_rows = [row for row in rows if row["name"] == "mlp-gan"]
        record([Measured("mlp-gan", args.data, images, *(row[name] for name in names)) for row in mlp_rows])
    if args.json:
        print(json.dumps({"rows": rows, "baselines": baseline, "protocol": trivial.protocol}))
        return
    print(f"{'':<28}{'seed':>5}{'Fréchet':>10}{'share left':>12}{'seconds':>9}")
    for row in rows:
        print("{name:<28}{seed:>5}{frechet:>10.2f}{share_left:>12.2f}{seconds:>9.0f}".format(**row))
    for name, score in baseline.items():
        print(f"{name:<28}{'':>5}{score:>10.2f}")
    print(trivial.protocol)


if __name__ == "__main__":
    main()
