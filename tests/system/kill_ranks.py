"""Runs of two processes under torchrun whose process or launcher is killed: they end in the state of an unharmed run.

python tests/system/kill_ranks.py [--turns 3] [--folder DIR]
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nodes import same

IMAGES, REPORTS = 64_000, 20


def launch(*words: str, restarts: int = 0) -> subprocess.Popen:
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*run, "--max-restarts", str(restarts), "-m", "sparring", *words]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet, start_new_session=True)


def train(out: Path) -> tuple[str, ...]:
    how = ("--images", str(IMAGES), "--reports", str(REPORTS), "--batch", "32", "--threads", "1", "--precision", "fp32")
    return ("train", "points", "--data", "ring", "--out", str(out), *how)


def workers(launcher: subprocess.Popen) -> list[int]:
    listed = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


def reports(out: Path) -> int:
    journal = out / "journal.jsonl"
    return journal.read_text().count("\n") if journal.exists() else 0


def later(out: Path, launcher: subprocess.Popen, draws: random.Random) -> None:
    """Returns at a random moment of a run that has reported."""
    goal = draws.randint(2, REPORTS // 2)
    while reports(out) < goal and launcher.poll() is None:
        time.sleep(0.05)
    time.sleep(draws.random())


def a_worker(launcher: subprocess.Popen, draws: random.Random) -> None:
    os.kill(draws.choice(workers(launcher)), signal.SIGKILL)


def the_launcher(launcher: subprocess.Popen, draws: random.Random) -> None:
    left = workers(launcher)
    launcher.kill()
    time.sleep(2)
    for pid in left:  # they would play on to the end by themselves
        os.kill(pid, signal.SIGKILL)


def stopped(launcher: subprocess.Popen, draws: random.Random) -> None:
    launcher.terminate()


WAYS: dict[str, tuple[Callable[[subprocess.Popen, random.Random], None], int]] = {
    "a process killed, --max-restarts": (a_worker, 3),
    "a process killed, resumed": (a_worker, 0),
    "launcher killed, resumed": (the_launcher, 0),
    "launcher stopped (SIGTERM), resumed": (stopped, 0),
}
"""What is done to a launcher, and how often it may start its processes again."""


def kills(args: argparse.Namespace) -> dict:
    straight, draws, found = args.folder / "straight", random.Random(0), {}
    if launch(*train(straight)).wait():
        raise SystemExit("the uninterrupted run failed")
    for name, (harm, restarts) in WAYS.items():
        alike = []
        for turn in range(args.turns):
            out = args.folder / f"{len(found)}-{turn}"
            launcher = launch(*train(out), restarts=restarts)
            later(out, launcher, draws)
            harm(launcher, draws)
            if launcher.wait() and launch("resume", str(out)).wait():
                raise SystemExit(f"{name}: {out} can't be gone on with")
            alike.append(same(out, straight))
        found[name] = f"{sum(alike)} of {len(alike)} end in the same state"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="runs of each kind")
    parser.add_argument("--folder", type=Path, help="holds the runs (default: a temporary one, deleted)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        args.folder = args.folder or Path(temporary)
        args.folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(kills(args), indent=1))


if __name__ == "__main__":
    main()
