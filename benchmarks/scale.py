"""Scale: several processes, data larger than memory, and the cost model compared with measurements.

    python benchmarks/scale.py throughput [--rounds 30]     two processes of one thread against one of two
    python benchmarks/scale.py store [--gb 20 --small 4]    a mapped set: rate against memory, anonymous memory
    python benchmarks/scale.py prepare [--images 100000]    one and two workers; kill -9 in mid-work
    python benchmarks/scale.py model [--rounds 30]          all-reduces measured, link fitted, rounds predicted

Each prints a table and, with --json, one object. Ratios are of runs side by side, in turn, so that a drifting machine
touches both alike. `--folder` holds what is written (default: a temporary one, deleted).
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import scaling_data
import scaling_rounds

MEASURES = {
    "throughput": scaling_rounds.throughput,
    "model": scaling_rounds.model,
    "store": scaling_data.store,
    "prepare": scaling_data.prepare,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--turns", type=int, default=3, help="times each side is measured")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--gb", type=float, default=20.0)
    parser.add_argument("--small", type=float, default=4.0, help="GB of the set that is compared with memory")
    parser.add_argument("--images", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        args.folder = args.folder or Path(temporary)
        args.folder.mkdir(parents=True, exist_ok=True)
        found = MEASURES[args.what](args)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<42} {told(value)}")


def told(value) -> str:
    if isinstance(value, list) and value and all(isinstance(x, (int, float)) for x in value):
        return f"{', '.join(f'{x:,.4g}' for x in value)} (median {statistics.median(value):,.4g})"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
