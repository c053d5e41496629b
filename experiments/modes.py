"""Modes found on ring and grid by several ways to train one pair of networks, beside real points and samplers that
learnt nothing.

    python -m experiments modes [--sets ring grid] [--ways …] [--seeds 0 1 …] [--images N] [--flag NAME=VALUE …]

The networks, rates and batch are those of the recipe `points`; a way changes what the players want, or how the critic
is asked. Each is played to its end, without the watch that would heal or stop what collapses, and of the weights at
every fifth of the way those with the best selection score count, by 10,000 samples. The ledger (`ledger.py`) keeps what
was measured. A sample is of high quality within 3σ of a mode; a mode is
found with a quarter of its fair share of those. Means over the seeds, with their standard deviation.
"""

import argparse
import json
import math
import statistics
import sys

import torch

from experiments.common import add_flags, flags
from experiments.ledger import kept, settings
from sparring.api import configure
from sparring.build.overrides import with_flags
from sparring.data import Dataset
from sparring.metrics.report import evaluate_samples
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import get_recipe
from sparring.training.config.config import Config
from sparring.training.loop.precision import denormals_flushed
from sparring.training.run.assemble import initial_loop
from sparring.training.run.snapshot import snapshot

PLAIN = {"objective": "non-saturating", "penalties": ""}
WAYS = {
    "gan": PLAIN,
    "wgan-gp": {"objective": "wasserstein", "penalties": "lipschitz", "weight.lipschitz": "10", "critic-steps": "5"},
    "pacgan": PLAIN | {"pack": "4"},
    "unrolled": PLAIN | {"unroll": "5"},
    "points": {},
}
"""As flags of the recipe `points`, which is relativistic pairing with R1 and R2."""
SCORES = ("modes", "high_quality", "kl")


def scores(data: str, way: str, seed: int, images: int, flags: dict[str, str]) -> dict[str, dict]:
    recipe, loaded = with_flags(get_recipe("points"), WAYS[way] | flags), load_dataset(data)
    config = configure(recipe, loaded, **settings(images, seed, {}))
    return kept(config, loaded, f"{data}-{way}", "modes.py", lambda: played(config, loaded))


def played(config: Config, data: Dataset) -> dict[str, dict]:
    """The scores of the best weights on the way, and of the trivial rows, by name."""
    torch.set_num_threads(config.threads)
    loop, jury = initial_loop(config, data, torch.device("cpu")), judge(data)
    model, least, best = snapshot(loop, config, data), math.inf, torch.empty(0)
    with denormals_flushed(), loop.restoring_requires_grad():
        for k in range(1, config.rounds + 1):
            loop.round()
            if k % config.period == 0 or k == config.rounds:
                n = jury.sample_count("select")
                score = jury.scores(model.sample(n), "select")[jury.score_names[0]]
                if score < least or not len(best):
                    least, best = score, model.sample(jury.sample_count("report"))
    return {row.name: row.scores for row in evaluate_samples(best, jury).rows}


def summary(rows: list[dict]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each score."""
    columns = {name: [row[name] for row in rows] for name in SCORES}
    return {name: (statistics.mean(c), statistics.stdev(c) if len(c) > 1 else 0.0) for name, c in columns.items()}


def table(args: argparse.Namespace, flags: dict[str, str]) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for data in args.sets:
        trivial: dict[str, dict] = {}
        for way in args.ways:
            rows = []
            for seed in args.seeds:
                trivial = scores(data, way, seed, args.images, flags)
                rows.append(trivial.pop("model"))
                print(f"{data} {way} seed {seed}: {rows[-1]}", file=sys.stderr)
            found[f"{data} {way}"] = {"seeds": rows, "summary": summary(rows)}
        found |= {f"{data} {name}": {"summary": summary([row])} for name, row in trivial.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["ring", "grid"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--images", type=int, default=get_recipe("points").images)
    add_flags(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = table(args, flags(args.flag))
    if args.json:
        print(json.dumps(found))
        return
    print("| | modes | high quality | KL |\n|---|---|---|---|")
    for name, line in found.items():
        (modes, m), (quality, q), (kl, k) = (line["summary"][score] for score in SCORES)
        print(f"| {name} | {modes:.1f} ± {m:.1f} | {quality:.1%} ± {q:.1%} | {kl:.3f} ± {k:.3f} |")


if __name__ == "__main__":
    main()
