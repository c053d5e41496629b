"""Large pictures: seconds and memory of `apply`, whole and in tiles, and by how much the two differ.

    python benchmarks/apply.py [RUN …] [--recipes denoise …] [--size 4000x3000] [--tile 512] [--threads 2] [--json]

RUN is a trained model that makes pictures of pictures; recipes are taken with weights of chance, which cost as much as
trained ones, but whose differences are no one's: for networks that look at the whole picture (instance norm), believe
those of a RUN. The picture is noise of all scales, as photographs have it. Each way is measured in a process of its
own: seconds of one call after a small one; the most memory beyond what stood before it, the picture and the weights
(Linux). A way that the system kills for its memory has no numbers.
"""

import argparse
import json
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

import sparring
from sparring.build.game import build_generator
from sparring.errors import UserError
from sparring.models.model import ModelSpec
from sparring.models.translator import ImageToImageModel
from sparring.recipes import RECIPES

RECIPES_SHOWN = ("denoise", "colorize", "pix2pix", "cyclegan")
SHAPE = (3, 64, 64)


def model(name: str) -> ImageToImageModel:
    """A run's, or a recipe's with weights of chance, none of them 0."""
    if name not in RECIPES:
        loaded = sparring.load(name)
        if not isinstance(loaded, ImageToImageModel) or loaded.masked or loaded.classes:
            raise UserError(f"{name} does not make pictures of pictures alone: give another run")
        return loaded
    torch.manual_seed(0)
    G = build_generator(RECIPES[name], SHAPE)
    for p in G.parameters():
        if p.dim() > 1 and not p.any():
            nn.init.normal_(p, 0, 0.02)
    return ImageToImageModel(ModelSpec(RECIPES[name], SHAPE), G)


def picture(width: int, height: int, channels: int) -> np.ndarray:
    """uint8 (height, width, channels): noise of every scale, each half as strong as the one twice as large."""
    g, total = torch.Generator().manual_seed(0), torch.zeros(1, channels, height, width)
    for level in range(max(width, height).bit_length() - 1):
        small = torch.randn(1, channels, (height >> level) + 1, (width >> level) + 1, generator=g)
        total += 2.0**level * interpolate(small, (height, width), mode="bilinear")
    seen = (128 + 50 * total / total.std()).clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(seen[0].permute(1, 2, 0).numpy())


def played(name: str, given: Path, tile: int, threads: int, out: Path) -> dict[str, float]:
    """Seconds, and MiB beyond what stood before; what was made goes to a file."""
    torch.set_num_threads(threads)
    translator = model(name)
    x = torch.from_numpy(np.load(given)).permute(2, 0, 1)[None]
    translator.apply_tiled(x[:, :, :64, :64])
    before, start = _peak(), time.perf_counter()
    result = translator.apply_tiled(x, tile=tile)
    seconds = time.perf_counter() - start
    row = {
        "seconds": seconds,
        "mib": (_peak() - before) / 2**20,
        "apart": result.disagreement,
        "local": translator.local,
    }
    np.save(out, result.output.numpy())
    return row


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def alone(*args) -> dict[str, float] | None:
    """`played` in a process of its own; None if it was killed."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(played, *args).result()
        except BrokenProcessPool:
            return None


def compared(name: str, size: tuple[int, int], tile: int, threads: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        given, *made = (Path(folder) / f"{what}.npy" for what in ("given", "whole", "tiled"))
        np.save(given, picture(*size, model(name).input_shape[0]))  # here, for making it takes memory too
        files: dict[str, Path] = {"whole": made[0], "tiled": made[1]}
        ways: dict[str, Any] = {
            way: alone(name, given, side, threads, files[way]) for way, side in (("whole", 0), ("tiled", tile))
        }
        row: dict = {"model": name, **ways}
        if all(ways.values()):
            whole, parts = (np.load(path, mmap_mode="r") for path in files.values())
            rows = [np.abs(a.astype(np.int16) - b) for a, b in zip(whole[0], parts[0], strict=True)]
            row |= {"largest": int(max(d.max() for d in rows)), "mean": float(np.mean([d.mean() for d in rows]))}
    return row


def line(row: dict, megapixels: float) -> str:
    told = f"{row['model'][-20:]:<21}"
    for way in ("whole", "tiled"):
        found = row[way]
        told += f"{found['seconds']:9.1f}{megapixels / found['seconds']:8.2f}{found['mib']:9.0f}" if found else 26 * " "
    if "largest" in row:
        told += f"{row['largest']:9d}{row['mean']:9.3f}{row['tiled']['apart']:9.2f}"
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--recipes", nargs="*", default=RECIPES_SHOWN, choices=[*RECIPES])
    parser.add_argument("--size", default="4000x3000", help="width x height")
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    rows = []
    if not args.json:
        print(f"{width}×{height}, tiles of {args.tile}, {args.threads} threads; differences of 255")
        heads = ["s", "Mpx/s", "MiB"]
        columns = [f"{way} {head}" if head == "s" else head for way in ("whole", "tiled") for head in heads]
        print(" " * 21 + "".join(f"{c:>{w}}" for c, w in zip(columns, (9, 8, 9) * 2, strict=True)), end="")
        print(f"{'largest':>9}{'mean':>9}{'apart':>9}")
    for name in (*args.runs, *args.recipes):
        rows.append(compared(name, (width, height), args.tile, args.threads))
        if not args.json:
            print(line(rows[-1], width * height / 1e6), flush=True)
    if args.json:
        print(json.dumps({"size": [width, height], "tile": args.tile, "threads": args.threads, "rows": rows}))


if __name__ == "__main__":
    main()
