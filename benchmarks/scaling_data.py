"""Mapped sets: their rate beside that of memory, the memory they take; how fast they are made; what a kill costs."""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sparring.build.game import build_game
from sparring.data.dataset import Dataset, Split
from sparring.data.prepared import METADATA_FILE, PIXELS_FILE, PreparedMetadata, map_pixels, probe_digest
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import modality_of
from sparring.recipes import RECIPES
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE = (3, 64, 64)
ROW = 3 * 64 * 64


def synthetic(folder: Path, gb: float) -> Path:
    """A prepared set of noise, written here: its fingerprint is not taken, only its probe."""
    out, n = folder / f"store-{gb:g}", int(gb * 1e9) // ROW
    if (out / METADATA_FILE).exists():
        return out
    out.mkdir(parents=True)
    rng = np.random.default_rng(0)
    with open(out / PIXELS_FILE, "wb") as file:
        for start in range(0, n, 8192):
            file.write(rng.integers(0, 256, (min(8192, n - start), ROW), dtype=np.uint8).tobytes())
    cut = n * 5 // 6
    about = PreparedMetadata(
        SHAPE, cut, n - cut, (), (), "synthetic", probe_digest(map_pixels(out, SHAPE, n), None), "synthetic"
    )
    (out / METADATA_FILE).write_text(about.text())
    return out


def anonymous() -> float:
    """MB of this process that no file stands behind."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def new_loop(data: Dataset, batch: int) -> Loop:
    recipe = RECIPES["dcgan"]
    game = build_game(recipe, SHAPE).to(memory_format=torch.channels_last)
    return Loop(game, modality_of(data).source(data, torch.device("cpu")), replace(loop_settings(recipe), batch=batch))


def rate(loop: Loop, rounds: int) -> float:
    """Images a second."""
    start = time.perf_counter()
    for _ in range(rounds):
        loop.round()
    return rounds * loop.settings.batch / (time.perf_counter() - start)


def store(args: argparse.Namespace) -> dict:
    large = load_dataset(synthetic(args.folder, args.gb))
    loop, memory, waited = new_loop(large, args.batch), [], 0.0
    start = time.perf_counter()
    for _ in range(10 * args.turns):
        rate(loop, max(1, args.rounds // 10))
        memory.append(anonymous())
    waited = loop.stream.waited / (time.perf_counter() - start)
    mapped = load_dataset(synthetic(args.folder, args.small))
    for part in mapped.train.values.split(65536):
        part.sum()  # warms the page cache
    held = Dataset("held", Split(mapped.train.values.clone()), mapped.test, (), "", mapped=False)
    loops = [new_loop(data, args.batch) for data in (mapped, held)]
    for each in loops:
        rate(each, 3)
    pairs = [[rate(each, args.rounds) for each in loops] for _ in range(args.turns)]
    return {
        f"anonymous MB on {args.gb:g} GB, by the way": memory,
        "anonymous MB gained after the first tenth": memory[-1] - memory[len(memory) // 10],
        "share of the time waiting for data": waited,
        f"mapped / in memory, {args.small:g} GB": [a / b for a, b in pairs],
        "median ratio (bar 0.95)": statistics.median(a / b for a, b in pairs),
    }


def jpegs(folder: Path, n: int) -> Path:
    """n small pictures of smooth noise, in ten classes; made once."""
    out = folder / f"jpegs-{n}"
    rng = np.random.default_rng(0)
    if (out / "done").exists():
        return out
    for k in range(10):
        (out / str(k)).mkdir(parents=True, exist_ok=True)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        small.resize((96, 96), Image.Resampling.BICUBIC).save(out / str(i % 10) / f"{i:07d}.jpg", quality=85)
    (out / "done").touch()
    return out


def prepare(args: argparse.Namespace) -> dict:
    spec, out = jpegs(args.folder, args.images), args.folder / "prepared"
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(args.turns):
        for workers, times in seconds.items():
            shutil.rmtree(out, ignore_errors=True)
            start = time.perf_counter()
            subprocess.run(command(spec, out, workers), check=True, stdout=subprocess.PIPE)
            times.append(time.perf_counter() - start)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    whole = (out / PIXELS_FILE).read_bytes()
    return {
        "seconds, one worker": seconds[1],
        "seconds, two workers": seconds[2],
        "median ratio (bar 1.7)": statistics.median(ratios),
    } | killed(spec, out, args.images, statistics.median(seconds[2]) / 2, whole)


def killed(spec: Path, out: Path, n: int, after: float, whole: bytes) -> dict:
    """kill -9 of the parent half-way, and the same command again."""
    shutil.rmtree(out)
    process = subprocess.Popen(command(spec, out, 2), stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(after)
    pixels_then = written(out)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    noted = sum(len(json.loads(line)["items"]) for line in (out / "done.jsonl").read_text().splitlines())
    answer = subprocess.run(command(spec, out, 2), check=True, stdout=subprocess.PIPE, text=True).stdout
    again = json.loads(answer)["decoded"]
    lost = max(0, pixels_then - noted)
    return {
        "noted when killed": noted,
        "decoded after": again,
        "lost, share of all (bar 0.01)": lost / n,
        "same bytes": (out / PIXELS_FILE).read_bytes() == whole,
    }


def written(out: Path) -> int:
    """Images of which there are pixels: rows that are not all zero, as none of the pictures is black."""
    if not (out / PIXELS_FILE).exists():
        return 0
    rows = np.memmap(out / PIXELS_FILE, np.uint8, "r").reshape(-1, ROW)
    return int(rows[:, :96].any(1).sum())


def command(spec: Path, out: Path, workers: int) -> list[str]:
    words = ["data", "prepare", str(spec), str(out), "--size", "64", "--workers", str(workers), "--json"]
    return [sys.executable, "-m", "sparring", *words]
