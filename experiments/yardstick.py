"""The yardstick and what it measures: MLP GAN and DCGAN on MNIST, or a set of its form, and the tutorials' plain loop
beside them.

    SPARRING_DATA=… python -m experiments yardstick OUT [--data mnist] [--ways plain mlp-gan dcgan] [--seeds 0 1 2]
        [--precision fp32] [--threads N] [--record] [--json]

Trains what OUT does not hold yet (plain loop and `mlp-gan` for 50 epochs, `dcgan` for its own number of images), one
run at a time, then scores 10,000 samples of each by the judge (report part) and prints scores, seconds, and the share
left of the gap, (score − real row) / (median MLP GAN − real row). OUT holds the runs, as `ledger.py` names them.
Interrupted, it goes on where it stopped.
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
    """Samples, uint8 (n, 1, 28, 28), and the seconds the loop took."""
    path = folder / f"plain-{data.spec}-{seed}.npz"
    if not path.exists():
        words = ["--data", data.spec, "--seed", str(seed), "--out", str(path)]
        subprocess.run([sys.executable, PLAIN, *words], check=True, stdout=sys.stderr)
    kept = np.load(path)
    return torch.from_numpy(kept["images"])[:, None], float(kept["seconds"])


def ours(name: str, precision: str, data: Dataset, folder: Path, seed: int) -> tuple[torch.Tensor, float]:
    more = {"reports": 10, "threads": torch.get_num_threads(), "precision": precision}
    run = trained(folder, name, get_recipe(name), data, get_recipe(name).images, seed, **more)
    return sparring.load(run).sample(10_000), Journal(run / "journal.jsonl").seconds


def middle(data: str) -> float:
    """The median score of the MLP GANs after 50 epochs, as they were recorded."""
    of = ("mlp-gan", data, get_recipe("mlp-gan").images)
    if not (scores := [row.frechet for row in recorded() if (row.recipe, row.data, row.images) == of]):
        sys.exit(
            f"no MLP GAN of {data} to compare with: run python -m experiments yardstick OUT --data {data} --record"
        )
    return statistics.median(scores)


WAYS = ["plain", "mlp-gan", "dcgan"]
Way = Callable[[Dataset, Path, int], tuple[torch.Tensor, float]]


def table(folder: Path, data: Dataset, ways: dict[str, Way], seeds: list[int], jury: Judge) -> list[dict]:
    rows = []
    for name, way in ways.items():
        for seed in seeds:
            samples, seconds = way(data, folder, seed)
            rows.append({"name": name, "seed": seed, "frechet": jury.scores(samples)["frechet"], "seconds": seconds})
            print(rows[-1], file=sys.stderr)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=["mnist", "fashion-mnist"], default="mnist")
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=WAYS, help="mlp-gan is what shares are of")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="fp32", help="of our own runs, as for spar train")
    parser.add_argument("--threads", type=int, help="default: all")
    parser.add_argument("--record", action="store_true", help="write the MLP GAN's rows into the package")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset(args.data)
    jury = judge(data)
    trivial = evaluate_samples(data.train.values[:10_000], jury, ["frechet"])
    baseline = {row.name: row.scores["frechet"] for row in trivial.rows}
    baseline["training copies"] = baseline.pop("model")
    ways = {name: plain if name == "plain" else partial(ours, name, args.precision) for name in args.ways}
    rows = table(args.out, data, ways, args.seeds, jury)
    medians = {
        name: statistics.median(row["frechet"] for row in rows if row["name"] == name)
        for name in dict.fromkeys(row["name"] for row in rows)
    }
    gap = medians.get("mlp-gan", math.nan) - baseline["real"]
    for row in rows:
        row["share_left"] = (row["frechet"] - baseline["real"]) / gap
    if args.record:
        found, images = [row for row in rows if row["name"] == "mlp-gan"], get_recipe("mlp-gan").images
        record([Measured("mlp-gan", args.data, images, r["seed"], r["frechet"], r["share_left"]) for r in found])
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
