"""Modes found by the points recipe on ring and grid, beside real points and samplers that learnt nothing.

    python benchmarks/modes.py [--sets ring grid] [--seeds 0 1 2 3 4] [--minutes 5] [--json] [--recipe flags …]

Each run is a fresh one in a temporary folder; the score is of 10,000 samples of the weights with the best selection
score. A sample is of high quality within 3σ of a mode; a mode is found with a quarter of its fair share of those.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import sparring
from sparring.recipes import named
from sparring.recipes.numbers import with_numbers


def scores(data: str, seed: int, minutes: float, flags: dict[str, str], threads: int | None) -> dict[str, dict]:
    recipe = with_numbers(named("points"), flags)
    with tempfile.TemporaryDirectory() as folder:
        run = sparring.train(recipe, data, Path(folder) / "run", seed=seed, minutes=minutes, threads=threads)
        assert run.report is not None
        rows = {row.name: row.scores for row in run.report.rows}
        rows["model"]["seconds"] = run.seconds
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true")
    args, rest = parser.parse_known_args()
    flags = {flag.removeprefix("--"): value for flag, value in zip(rest[::2], rest[1::2], strict=True)}
    table: dict[str, dict] = {}
    for data in args.sets:
        rows = []
        for seed in args.seeds:
            found = scores(data, seed, args.minutes, flags, args.threads)
            rows.append(found.pop("model"))
            print(f"{data} seed {seed}: {rows[-1]}", file=sys.stderr)
            table[data] = found
        means = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
        table[data] = {"seeds": rows, "points": means, **table[data]}
    if args.json:
        print(json.dumps(table))
        return
    print(f"{'':<16}{'modes':>8}{'high quality':>14}{'KL':>8}{'seconds':>9}")
    for data, lines in table.items():
        for name in [name for name in lines if name != "seeds"]:
            row = lines[name]
            tail = f"{row['seconds']:>9.0f}" if "seconds" in row else ""
            print(f"{data + ' ' + name:<16}{row['modes']:>8.1f}{row['high_quality']:>14.1%}{row['kl']:>8.3f}{tail}")


if __name__ == "__main__":
    main()
