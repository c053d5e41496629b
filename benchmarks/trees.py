"""Speed of two checkouts side by side, each measured by its own `benchmarks/step.py` and `benchmarks/quality.py`.

    SPARRING_DATA=… python benchmarks/trees.py BEFORE AFTER [--cases dcgan …] [--repeats 3] [--no-quality] [--json]

The checkouts take turns, each run in a process of its own, and the order alternates, so that a drifting machine
affects both alike. A ratio is the median over the pairs of BEFORE's seconds over AFTER's: above 1, AFTER is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CASES = ("dcgan", "mlp-gan", "wgan-gp", "r3gan", "stylegan2")


def run(checkout: Path, script: str, *flags: str) -> dict:
    """What the checkout's own script prints with `--json`."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, str(checkout / "benchmarks" / script), *flags, "--json"]
    return json.loads(subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout)


def steps(checkout: Path, cases: list[str]) -> dict[str, float]:
    """Seconds of a round, by game."""
    found = run(checkout, "step.py", "--rounds", "5", "--keep", "--cases", *cases)["cases"]
    return {f"a round of {name}": row["seconds"]["ours"] for name, row in found.items()}


def quality(checkout: Path) -> dict[str, float]:
    """Seconds of `spar train dcgan` from a cold start to the bar."""
    (row,) = run(checkout, "quality.py", "--recipes", "dcgan", "--seeds", "0", "--epochs", "1")["rows"]
    return {"dcgan on MNIST to the bar": row["seconds"]}


def compare(measure: Callable[[Path], dict[str, float]], sides: dict[str, Path], repeats: int) -> dict[str, dict]:
    pairs: list[dict[str, dict[str, float]]] = []
    for i in range(repeats):
        order = list(sides)[:: -1 if i % 2 else 1]
        pairs.append({side: measure(sides[side]) for side in order})
        print(pairs[-1], file=sys.stderr)
    rows = {}
    for name in pairs[0]["before"]:
        ratios = [pair["before"][name] / pair["after"][name] for pair in pairs]
        medians = {side: statistics.median(pair[side][name] for pair in pairs) for side in sides}
        rows[name] = medians | {"ratio": statistics.median(ratios), "ratios": ratios}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-quality", dest="quality", action="store_false", help="rounds only")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sides = {"before": args.before.resolve(), "after": args.after.resolve()}
    rows = compare(lambda checkout: steps(checkout, args.cases), sides, args.repeats) if args.cases else {}
    if args.quality:
        rows |= compare(quality, sides, args.repeats)
    if args.json:
        print(json.dumps(rows))
        return
    print("| | before, s | after, s | before / after |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row['before']:.4f} | {row['after']:.4f} | {row['ratio']:.3f} |")


if __name__ == "__main__":
    main()
