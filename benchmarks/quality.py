"""Time to quality: how long `spar train` takes, from a cold start of its process, to the score with which the plain MLP
GAN loop of the tutorials ends after 50 epochs, over that loop's own time.

    SPARRING_DATA=… python benchmarks/quality.py [--recipes cgan dcgan] [--seeds 0 1 2] [--bar 29.65] [--images 60000]
        [--reports 6] [--epochs 2] [--json]

The bar is the median of three seeds that `python -m experiments yardstick` found for that loop
(docs/measured/benchmarks.md). Its time is that of some epochs here and now, once before and once after ours, and as
many more as make 50. Ours is from the start of the process to the line in the journal whose selection score meets the
bar: imports, data, what is measured of the machine, rounds, scores. The judge's classifier must have been fitted
before (once a data set, as `spar evaluate` does): it is the yardstick, and no part of the training.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.training.journal import Journal

PLAIN = Path(__file__).with_name("plain.py")
EPOCHS, PATIENCE = 50, 0.1


def plain(epochs: int, folder: Path) -> float:
    """Seconds of all epochs, by those that were played."""
    words = [sys.executable, PLAIN, "--epochs", str(epochs), "--out", folder / "plain.npz"]
    start = time.perf_counter()
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    whole, clock = time.perf_counter() - start, [int(s) for s in re.findall(r": (\d+) s", told)]
    return whole + clock[-1] / epochs * (EPOCHS - epochs)


def ours(recipe: str, seed: int, args: argparse.Namespace, folder: Path) -> dict:
    """Seconds until the bar is met, and what was seen by then; none if it never was."""
    run = folder / f"{recipe}-{seed}"
    words = ["train", recipe, "--data", "mnist", "--seed", seed, "--images", args.images, "--reports", args.reports]
    words += ["--until", f"frechet<{args.bar}", "--out", run]
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "sparring", *map(str, words)], stderr=subprocess.DEVNULL)
    try:
        while True:
            met = [e for e in _entries(run) if e["scores"]["frechet"] < args.bar]
            if met or process.poll() is not None:
                break
            time.sleep(PATIENCE)
        seconds = time.perf_counter() - start
    finally:
        process.kill()  # what comes after, the closing scores, is not asked for
        process.wait()
    about = {"recipe": recipe, "seed": seed, "seconds": seconds if met else None}
    return about | ({"images": met[0]["examples"], "frechet": met[0]["scores"]["frechet"]} if met else {})


def _entries(run: Path) -> list:
    journal = run / "journal.jsonl"
    return Journal(journal).entries if journal.is_file() else []


def measured(args: argparse.Namespace, folder: Path) -> dict:
    judge(load_dataset("mnist"))  # fitted, if it was not
    loop, rows = [plain(args.epochs, folder)], []
    for recipe in args.recipes:
        for seed in args.seeds:
            rows.append(ours(recipe, seed, args, folder))
            print(rows[-1], file=sys.stderr)
    loop.append(plain(args.epochs, folder))
    found = {"bar": args.bar, "plain_seconds": statistics.mean(loop), "plain": loop, "rows": rows}
    for row in rows:
        row["share"] = row["seconds"] / found["plain_seconds"] if row["seconds"] else None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["cgan", "dcgan"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--bar", type=float, default=29.65)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--reports", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=2, help="of the plain loop, that are played")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        found = measured(args, folder)
    finally:
        shutil.rmtree(folder)
    if args.json:
        print(json.dumps(found))
        return
    print(f"the plain loop: {found['plain_seconds']:,.0f} s for {EPOCHS} epochs ({found['plain']})")
    print(f"| recipe | seed | seconds until Fréchet < {args.bar} | images | of the plain loop's time |\n|{'---|' * 5}")
    for row in found["rows"]:
        told = (
            f"{row['seconds']:.1f} | {row['images']:,} | 1/{1 / row['share']:.0f}" if row["seconds"] else "never | | "
        )
        print(f"| {row['recipe']} | {row['seed']} | {told} |")


if __name__ == "__main__":
    main()
