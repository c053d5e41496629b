"""How a number of a recipe changes the quality that a run reaches: one run a value, each as long as the others.

    SPARRING_DATA=… python -m experiments search OUT RECIPE --vary lr 4e-4 2e-3 cosine:4e-3:4e-4
        [--data mnist] [--images 60000] [--seeds 0] [--flag NAME=VALUE …] [--json]

OUT holds the runs, of which the ledger (`ledger.py`) keeps count. The selection score is that of every fifth of the
run; precision, recall and coverage are of the best weights, against the report part.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import sparring
from experiments.common import add_flags, flags
from experiments.ledger import measured
from sparring.build.overrides import with_flags
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import get_recipe
from sparring.training.journal import Journal

METRICS = ["frechet", "support"]
SHOWN = ["frechet", "precision", "recall", "coverage"]


def scored(run: Path, jury) -> dict:
    """The scores of the best weights, and how the selection score went."""
    samples = sparring.load(run).sample(jury.sample_count("report"))
    found = jury.scores(samples, "report", jury.select_metrics(METRICS))
    entries = Journal(run / "journal.jsonl").entries
    return {"way": [entry["scores"][jury.score_names[0]] for entry in entries]} | {name: found[name] for name in SHOWN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("recipe")
    parser.add_argument(
        "--vary", nargs="+", required=True, metavar="NAME VALUE", help="a flag of spar train, its values"
    )
    add_flags(parser)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset(args.data)
    jury = judge(data)
    by = f"search.py, {jury.protocol('report', jury.sample_count('report'))}"
    name, *values = args.vary
    also, rows = flags(args.flag), []
    for value in values:
        recipe = with_flags(get_recipe(args.recipe), also | {name: value})
        for seed in args.seeds:
            about = (f"{args.recipe}-{name}", recipe, data, args.images, seed, by)
            rows.append({name: value, "seed": seed, **measured(args.out, *about, partial(scored, jury=jury))})
            print(rows[-1], file=sys.stderr)
    if args.json:
        print(json.dumps({"recipe": args.recipe, "images": args.images, "rows": rows, "protocol": by}))
        return
    print(f"| {name} | seed | on the way | Fréchet | precision | recall | coverage |\n|{'---|' * 7}")
    for row in rows:
        way, told = ", ".join(f"{x:.1f}" for x in row["way"]), " | ".join(f"{row[k]:.3f}" for k in SHOWN)
        print(f"| {row[name]} | {row['seed']} | {way} | {told} |")
    print(by)


if __name__ == "__main__":
    main()
