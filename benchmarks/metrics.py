"""How long scores take, beside the ways they are usually taken.

    python benchmarks/metrics.py [--repeats 3] [--threads 2] [--json]

Every way runs in a process of its own, so that the memory it takes on top of the features can be told; the ways of a
case take turns, and the median of their seconds counts. A ratio above 1 says ours is faster.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch


def features(n: int, d: int, seed: int) -> torch.Tensor:
    """Correlated, as features are."""
    g = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=g, dtype=torch.float64) / d**0.5
    return torch.randn(n, d, generator=g, dtype=torch.float64) @ mix + 0.1 * seed


def covariances(n: int) -> list[np.ndarray]:
    return [np.cov(features(n, 2048, seed).numpy().T) for seed in (0, 1)]


def statistics_ours() -> Callable[[], float]:
    from sparring.metrics.image.frechet import Moments, frechet_distance

    a, b = (torch.from_numpy(c) for c in covariances(4_000))
    zero = torch.zeros(2048)
    return lambda: frechet_distance(Moments.from_statistics(zero, a), Moments.from_statistics(zero, b))


def statistics_theirs() -> Callable[[], float]:
    from scipy.linalg import sqrtm

    a, b = covariances(4_000)
    return lambda: float(np.trace(a + b - 2 * sqrtm(a @ b).real))


def few_ours() -> Callable[[], float]:
    from sparring.metrics.image.frechet import frechet

    a, b = features(100, 2048, 0), features(1_500, 2048, 1)
    return lambda: frechet(a, b)


def few_theirs() -> Callable[[], float]:
    from scipy.linalg import sqrtm

    a, b = features(100, 2048, 0).numpy(), features(1_500, 2048, 1).numpy()

    def call() -> float:
        s, t = np.cov(a.T), np.cov(b.T)
        return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + t - 2 * sqrtm(s @ t).real))

    return call


def support_ours() -> Callable[[], float]:
    from sparring.metrics.image.precision_recall import support

    fake, real = features(10_000, 2048, 0), features(10_000, 2048, 1)
    return lambda: support(fake, real).density


def support_theirs() -> Callable[[], float]:
    from prdc import compute_prdc

    fake, real = features(10_000, 2048, 0).numpy(), features(10_000, 2048, 1).numpy()
    return lambda: float(compute_prdc(real, fake, 5)["density"])


CASES = {
    "Fréchet, 2048-d statistics, against scipy.linalg.sqrtm": (statistics_ours, statistics_theirs),
    "Fréchet, 100 against 1,500 samples of 2048-d, against sqrtm": (few_ours, few_theirs),
    "precision, recall, density, coverage, 10k × 10k × 2048-d, against prdc": (support_ours, support_theirs),
}
WAYS = {way.__name__: way for ways in CASES.values() for way in ways}


def once(way: str, threads: int) -> dict[str, float]:
    """In this process: seconds, value, and bytes at the peak beyond what stood before the call (Linux)."""
    torch.set_num_threads(threads)
    call = WAYS[way]()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    start = time.perf_counter()
    value = call()
    seconds = time.perf_counter() - start
    extra = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "value": value, "extra_bytes": extra}


def apart(way: str, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--once", way, "--threads", str(threads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(said.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--once", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.once:
        print(json.dumps(once(args.once, args.threads)))
        return
    rows = []
    for case, ways in CASES.items():
        runs = {way.__name__: [] for way in ways}
        for _ in range(args.repeats):
            for name, found in runs.items():
                found.append(apart(name, args.threads))
        ours, theirs = (runs[way.__name__] for way in ways)
        seconds = [statistics.median(run["seconds"] for run in side) for side in (ours, theirs)]
        rows.append(
            {
                "case": case,
                "ratio": seconds[1] / seconds[0],
                "ours_seconds": seconds[0],
                "theirs_seconds": seconds[1],
                "ours_extra_mib": max(run["extra_bytes"] for run in ours) / 2**20,
                "theirs_extra_mib": max(run["extra_bytes"] for run in theirs) / 2**20,
                "relative_difference": abs(ours[0]["value"] / theirs[0]["value"] - 1),
            }
        )
        print(rows[-1], file=sys.stderr)
    if args.json:
        print(json.dumps({"rows": rows, "threads": args.threads}))
        return
    print(
        "| | ratio | ours | theirs | extra memory, ours | theirs | relative difference |\n|---|---|---|---|---|---|---|"
    )
    for row in rows:
        print(
            f"| {row['case']} | {row['ratio']:.1f} | {row['ours_seconds']:.2f} s | {row['theirs_seconds']:.2f} s "
            f"| {row['ours_extra_mib']:,.0f} MiB | {row['theirs_extra_mib']:,.0f} MiB "
            f"| {row['relative_difference']:.0e} |"
        )


if __name__ == "__main__":
    main()
