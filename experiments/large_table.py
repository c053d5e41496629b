"""Memory of training and speed of sampling for a table of 1,000,000 rows × 50 columns.

    python -m experiments large_table [--rows 1000000] [--images 256000] [--threads N] [--folder DIR] [--json]

The table is synthetic: 25 numeric columns (normal, log-normal, integer, with spikes at zero, with missing values), 23
columns of 4 to 48 categories, a timestamp, and a column of 100,000 categories by Zipf's law. `spar train table` and
`spar sample` run in processes of their own; their peak resident memory is reported. Rows per second include writing the
Parquet file, and come from the difference between 250,000 and 50,000 rows, which excludes start-up.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

NUMBERS, CATEGORIES, MANY = 25, 23, 100_000
FEW, MORE = 50_000, 250_000
PRECISIONS = ("fp32", "bf16")
GIB = 2**30


def table(n: int) -> pa.Table:
    draws = np.random.default_rng(0)
    columns: dict[str, pa.Array] = {}
    common = draws.normal(size=n)  # shared factor, so that columns correlate
    for i in range(NUMBERS):
        x = 0.6 * common + 0.8 * draws.normal(size=n)
        x = (x, np.exp(x), np.floor(10 * x), np.where(draws.random(n) < 0.3, 0.0, x), x)[i % 5]
        missing = draws.random(n) < 0.05 if i % 5 == 4 else np.zeros(n, bool)
        columns[f"number {i}"] = pa.array(x, mask=missing)
    for i in range(CATEGORIES):
        levels = 4 + 2 * i
        codes = np.clip(((common + draws.normal(size=n)) * levels / 6 + levels / 2), 0, levels - 1).astype(int)
        columns[f"category {i}"] = pa.DictionaryArray.from_arrays(codes, [f"{i}.{k}" for k in range(levels)])
    columns["time"] = pa.array(1_600_000_000 + draws.integers(0, 10**8, n), pa.timestamp("s"))
    names = pa.array([f"place {k}" for k in range(MANY)])
    columns["place"] = pa.DictionaryArray.from_arrays((draws.zipf(1.3, n) - 1) % MANY, names).cast(pa.string())
    return pa.table(columns)


def spar(threads: int, *words: object) -> tuple[float, float]:
    """Seconds and peak resident memory in GiB of a `spar` command."""
    command = [sys.executable, "-m", "sparring", *map(str, words)]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": str(threads)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / GIB


def measure(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    source, run = folder / "large.parquet", folder / "run"
    parquet.write_table(table(args.rows), source)
    train = ("train", "table", "--data", source, "--out", run, "--images", args.images, "--reports", 2)
    seconds, memory = spar(args.threads, *train)
    figures = {"train: seconds": seconds, "train: peak, GiB": memory}
    for precision in PRECISIONS:
        rows = {
            n: ("--n", n, "--precision", precision, "--out", folder / f"{precision}-{n}.parquet") for n in (FEW, MORE)
        }
        taken = {n: spar(args.threads, "sample", run, *words) for n, words in rows.items()}
        figures[f"sample, {precision}: rows per second"] = (MORE - FEW) / (taken[MORE][0] - taken[FEW][0])
        figures[f"sample {MORE:,}, {precision}: peak, GiB"] = taken[MORE][1]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=256_000, help="training rows drawn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="for the files written (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(args, args.folder or Path(temporary))
    if args.json:
        print(json.dumps(vars(args) | {"folder": str(args.folder)} | figures))
        return
    print(f"{args.rows:,} rows × 50 columns, {args.images:,} training rows drawn, {args.threads} threads")
    for name, value in figures.items():
        print(f"{name:<40} {value:,.2f}")


if __name__ == "__main__":
    main()
