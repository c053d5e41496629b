"""A run killed with -9 at random instants and gone on with, until it is done; then another, until there were enough.

    python tests/system/kills.py [--kills 200] [--seed 0] [--images 10880] [--reports 60] [--json]

Each end is compared with that of a run which was never killed: parameters, optimisers and all else in the checkpoint,
the journal but for its clocks, the model's weights, the scores. After each kill the journal's lines are looked at.
Kills before there is a run folder are not counted.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

SMALL = ["--batch", "32", "--generator.widths", "16,16", "--critic.widths", "16,16"]
TRAIN = ["train", "points", "--data", "ring", *SMALL, "--threads", "1", "--device", "cpu", "--precision", "fp32"]
CLOCKS = {"seconds", "scoring_seconds", "waiting"}


def command(words: list[str], said: str) -> None:
    """`spar` with these words, in a process of its own; what it says goes to a file."""
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    from sparring.commands.cli import main

    main(words)


class Spar:
    """Commands, each in a process forked from one that has imported all there is to import."""

    def __init__(self, said: Path):
        self.said = said
        self._processes = multiprocessing.get_context("forkserver")
        # PyTorch's optimisers import the last, which takes a second: kills would come before there is a run folder.
        self._processes.set_forkserver_preload(
            ["sparring.api", "sparring.commands.cli", "sparring.training.report.report", "torch._dynamo"]
        )

    def __call__(self, words: list[str], patience: float | None = None) -> int | None:
        """Its exit code; None when it was killed, after `patience` seconds."""
        process = self._processes.Process(target=command, args=(words, str(self.said)))
        process.start()
        process.join(patience)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        return process.exitcode


def where(run: Path, final: str) -> str:
    """What a killed run was at, by its folder."""
    if not run.exists():
        return "before its folder was there"
    if any(run.rglob(".*.part")):
        return "in mid-write"
    if not (kept := sorted(run.glob("checkpoints/*"))):
        return "before its first checkpoint"
    return "in its closing scores" if kept[-1].name == final else "between reports"


def torn(run: Path) -> int:
    """Lines of the journal that can't be read."""
    path, wrong = run / "journal.jsonl", 0
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        try:
            json.loads(line)
            wrong += not line.endswith(b"\n")
        except ValueError:
            wrong += 1
    return wrong


def differences(run: Path, whole: Path) -> list[str]:
    """What of a finished run is not what it is in one that was never killed."""
    tensors = {path.relative_to(whole) for path in (*whole.glob("checkpoints/*"), *whole.glob("model/*.safetensors"))}
    wrong = [str(path) for path in sorted(tensors) if not _same(run / path, whole / path)]
    wrong += ["journal"] * (_journal(run) != _journal(whole))
    return wrong + ["scores"] * (_scores(run) != _scores(whole))


def _same(a: Path, b: Path) -> bool:
    if not a.exists():
        return False
    left, right = load_file(a), load_file(b)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def _journal(run: Path) -> list[dict[str, object]]:
    lines = (run / "journal.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in CLOCKS} for line in lines]


def _scores(run: Path) -> object:
    return json.loads((run / "scores.json").read_text())


def killed(folder: Path, kills: int, seed: int, images: int, reports: int) -> Counter[str]:
    """How often what happened, to so many kills or some more: all runs are played to their end."""
    spar, g, found = Spar(folder / "said.txt"), np.random.default_rng(seed), Counter[str]()
    train = [*TRAIN, "--images", str(images), "--reports", str(reports), "--out"]
    whole = folder / "whole"
    spar(["recipes"])  # so that the imports, which the first command waits for, are not in what is timed
    start = time.monotonic()
    if spar([*train, str(whole)]):
        sys.exit(f"even the run that is not killed fails: {(folder / 'said.txt').read_text()[-500:]}")
    took, final = time.monotonic() - start, max(whole.glob("checkpoints/*")).name
    while found["kills"] < kills:
        run = folder / f"run-{found['runs']}"
        found["runs"] += 1
        while (code := spar(words(run, train), g.uniform(0, took / 2) if found["kills"] < kills else None)) is None:
            found["kills"] += run.exists()
            found["torn"] += torn(run)
            found[where(run, final)] += 1
        said = (folder / "said.txt").read_text()[-500:]
        if code and not said.rstrip().endswith("nothing left to do"):  # it was killed when all was done
            found["not resumed"] += 1
            print(f"{run} ended with {code}: {said}", file=sys.stderr)
        elif wrong := differences(run, whole):
            found["different"] += 1
            print(f"{run} differs in {', '.join(wrong)}", file=sys.stderr)
        else:
            found["same"] += 1
        found["torn at the end"] += torn(run)
    return found


def words(run: Path, train: list[str]) -> list[str]:
    return ["resume", str(run)] if run.exists() else [*train, str(run)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=10_880, help="so few that the watch has nothing to say")
    parser.add_argument("--reports", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        found = killed(Path(folder), args.kills, args.seed, args.images, args.reports)
    told = ("kills", "runs", "same", "different", "not resumed", "torn", "torn at the end")
    row = {name: found.pop(name, 0) for name in told} | {"where": dict(found)}
    if args.json:
        print(json.dumps(row))
        return
    print(f"| {' | '.join(told)} |\n|{'---|' * len(told)}\n| {' | '.join(str(row[name]) for name in told)} |\n")
    print("Killed " + ", ".join(f"{name}: {n}" for name, n in found.items()))


if __name__ == "__main__":
    main()
