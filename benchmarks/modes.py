"""Modes found on ring and grid by several ways to train one pair of networks, beside real points and samplers that
learnt nothing.

    python benchmarks/modes.py OUT [--sets ring grid] [--ways …] [--seeds 0 1 …] [--images N] [--flag NAME=VALUE …]

The networks, rates and batch are those of the recipe `points`; a way changes what the players want, or how the critic
is asked. OUT holds the runs, of which the ledger (`ledger.py`) keeps count: a run is trained once. The score is of
10,000 samples of the weights with the best selection score. A sample is of high quality within 3σ of a mode; a mode is
found with a quarter of its fair share of those. Means over the seeds, with their standard deviation.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import torch
from common import add_flags, flags
from ledger import measured

from sparring.data import load
from sparring.recipes import named
from sparring.recipes.numbers import with_numbers

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


def scores(out: Path, data: str, way: str, seed: int, images: int, flags: dict[str, str]) -> dict[str, dict]:
    recipe = with_numbers(named("points"), WAYS[way] | flags)
    return measured(out, f"{data}-{way}", recipe, load(data), images, seed, "modes.py", told)


def told(run: Path) -> dict[str, dict]:
    """The scores of the run's model and of the trivial rows, by name."""
    rows = json.loads((run / "scores.json").read_text())["rows"]
    return {row["name"]: row["scores"] for row in rows}


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
                trivial = scores(args.out, data, way, seed, args.images, flags)
                rows.append(trivial.pop("model"))
                print(f"{data} {way} seed {seed}: {rows[-1]}", file=sys.stderr)
            found[f"{data} {way}"] = {"seeds": rows, "summary": summary(rows)}
        found |= {f"{data} {name}": {"summary": summary([row])} for name, row in trivial.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["ring", "grid"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--images", type=int, default=named("points").images)
    add_flags(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
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
