"""Many samples of MNIST's shape to an .npz file: `spar sample` beside the loop that tutorials have for it.

    python benchmarks/sampling.py [--json] [--n 50000] [--recipe dcgan] [--times 3] [--threads N]

Both draw from one model, with untrained weights (so its samples are nearly grey, and the file is smaller than trained
ones would be). `spar sample` is given `--precision auto`. The tutorials' loop asks the generator, in evaluation and
without gradients, for a batch (64, or 1) at a time, keeps the images in a list, puts them together and saves them with
`np.savez`. Each way runs in a process of its own, by turns; seconds are of drawing and writing, once all is imported
and ready, and the peak is of the process's resident memory, with what it was beforehand in brackets. A batch of 1 is
asked for a tenth of the samples, and its time is multiplied.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sparring.build.game import build_generator

SHAPE = (1, 28, 28)
WAYS = ("spar sample", "batches of 64", "batches of 1")
FEWER = {"batches of 1": 10}


def plain(run: str, n: int, batch: int, out: Path) -> None:
    import numpy as np
    import torch

    import sparring

    G = sparring.load(run).G.to(memory_format=torch.contiguous_format)  # the same weights, as a tutorial has them
    images = []
    with torch.no_grad():
        for start in range(0, n, batch):
            images.append(G(torch.randn(min(batch, n - start), 100)).numpy())
    np.savez(out, images=np.concatenate(images))


def command(run: str, n: int, out: Path) -> None:
    from sparring.commands.cli import main

    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(["sample", run, "--n", str(n), "--precision", "auto", "--out", str(out)])


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(way: str, run: str, n: int) -> dict[str, float]:
    """In this process."""
    import sparring.commands.sample
    import sparring.sampling.samples

    sparring.load(run).sample(64)  # what is imported and made ready at first use
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        out, start = Path(folder) / "out.npz", time.perf_counter()
        if way == WAYS[0]:
            command(run, n, out)
        else:
            plain(run, n, int(way.split()[-1]), out)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "peak": peak(), "before": before, "file": out.stat().st_size / 2**20}


def elsewhere(way: str, run: str, n: int, threads: int) -> dict[str, float]:
    """The same in another process."""
    words = [sys.executable, __file__, "--n", str(n), "--way", way, "--run", run]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return json.loads(subprocess.run(words, env=environment, capture_output=True, check=True, text=True).stdout)


def new_model(recipe: str, folder: str) -> None:
    import torch

    from sparring.models.model import Model, ModelSpec
    from sparring.recipes import RECIPES

    torch.manual_seed(0)
    Model(ModelSpec(RECIPES[recipe], SHAPE), build_generator(RECIPES[recipe], SHAPE)).save(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measured(args.way, args.run, args.n)))
        return
    with tempfile.TemporaryDirectory() as folder:
        new_model(args.recipe, folder)
        took: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(args.times):
            for way, kept in took.items():
                kept.append(elsewhere(way, folder, max(1, args.n // FEWER.get(way, 1)), args.threads))
    rows = {}
    for way, kept in took.items():
        rows[way] = {name: statistics.median(each[name] for each in kept) for name in kept[0]}
        rows[way]["seconds"] *= FEWER.get(way, 1)
    if args.json:
        print(json.dumps({"n": args.n, "recipe": args.recipe, "threads": args.threads, "ways": rows}))
        return
    print(f"{args.n:,} samples of {args.recipe}, {args.threads} threads, medians of {args.times}\n")
    print("| | seconds | | peak MiB | file MiB |\n|---|---|---|---|---|")
    for way, row in rows.items():
        times = f"{row['seconds']:.1f} | × {row['seconds'] / rows[WAYS[0]]['seconds']:.2f}"
        few = f" (of {args.n // FEWER[way]:,})" if way in FEWER else ""
        print(f"| {way} | {times} | {row['peak']:,.0f} ({row['before']:,.0f}){few} | {row['file']:,.1f}{few} |")


if __name__ == "__main__":
    main()
