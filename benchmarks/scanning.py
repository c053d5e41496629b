"""What `spar data scan` finds of what was planted, and what it suspects in sets where nothing was.

    SPARRING_DATA=… python benchmarks/scanning.py [--sets eurosat-4k trashnet-128] [--count 1000]
        [--clean eurosat-4k …] [--json]

Of each set so many images are drawn, and of each defect 5 % are planted: truncated files, files copied under another
name, images saved again (as JPEG of quality 60, or at 90 % of the size, or 15 % brighter), images of one colour with a
little noise, images of 12×12, images of other sets, images put into another class; and in a second set, copies
and near copies of images of the first. *Recall* is of what was planted. *Precision* counts as wrong what nothing
was planted in, though it may be a defect that was there before: so the last column is the share of suspects in the same
images with nothing planted, and `--clean` that in whole sets.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from sparring.data import Options
from sparring.data.scan.checks import IMAGE_CHECKS, run_checks
from sparring.data.scan.open import open_two
from sparring.data.scan.scan import scan_spec

SHARE = 0.05
STRANGERS = ("emoji-pairs/testA/*.png", "dungeon-tiles/item/*.png", "trashnet-128/*/*.jpg", "eurosat-4k/*/*.jpg")
PLANTED = ("broken", "duplicates", "near-duplicates", "blank", "tiny", "outliers", "mislabelled")
AGAIN: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda image: image,
    lambda image: image.resize((round(image.width * 0.9), round(image.height * 0.9)), Image.Resampling.BICUBIC),
    lambda image: ImageEnhance.Brightness(image).enhance(1.15),
)


def root() -> Path:
    """The folder of the data sets."""
    return Path(os.environ["SPARRING_DATA"])


def drawn(source: Path, to: Path, skip: int, count: int) -> list[Path]:
    """So many of the images of a folder of classes, copied."""
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    order = np.random.default_rng(0).permutation(len(files))[skip : skip + count]
    copied = []
    for i in order:
        path = to / files[i].relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        copied.append(Path(shutil.copy(files[i], path)))
    return copied


def again(path: Path, to: Path, draws: np.random.Generator) -> None:
    with Image.open(path) as image:
        AGAIN[draws.integers(len(AGAIN))](image.convert("RGB")).save(to, "JPEG", quality=60)


def plant(files: list[Path], strangers: list[Path], draws: np.random.Generator) -> dict[str, set[str]]:
    """Changes and adds files; gives what is to be found, by finding."""
    root = files[0].parents[1]
    classes = sorted({path.parent.name for path in files})
    mixed = [files[i] for i in draws.permutation(len(files))]
    n = round(SHARE * len(files))
    parts = {name: mixed[i * n : (i + 1) * n] for i, name in enumerate(PLANTED)}
    planted: dict[str, set[str]] = {name: set() for name in PLANTED}

    def note(name: str, path: Path) -> None:
        planted[name].add(path.relative_to(root).as_posix())

    for i, path in enumerate(parts["broken"]):
        path.write_bytes(path.read_bytes()[: path.stat().st_size * (i % 9 + 1) // 10])
        note("broken", path)
    for name in ("duplicates", "near-duplicates"):
        for path in parts[name]:
            copy = path.with_name(f"zz-{path.stem}.jpg")
            shutil.copy(path, copy) if name == "duplicates" else again(path, copy, draws)
            note(name, copy)
    for path in parts["blank"]:
        colour = draws.integers(0, 256, 3) + draws.normal(0, 0.7, (64, 64, 3))
        Image.fromarray(colour.round().clip(0, 255).astype(np.uint8)).save(path, "JPEG", quality=90)
        note("blank", path)
    for path in parts["tiny"]:
        with Image.open(path) as image:
            small = image.resize((12, 12), Image.Resampling.LANCZOS)
        small.convert("RGB").save(path, "JPEG", quality=90)
        note("tiny", path)
    for path, stranger in zip(parts["outliers"], strangers, strict=False):
        with Image.open(stranger) as image:
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image.convert("RGB"), mask=image.convert("RGBA").getchannel("A"))
        flat.resize((64, 64), Image.Resampling.LANCZOS).save(path, "JPEG", quality=90)
        note("outliers", path)
    for path in parts["mislabelled"]:
        others = [name for name in classes if name != path.parent.name]
        moved = root / others[draws.integers(len(others))] / f"moved-{path.name}"
        note("mislabelled", path.rename(moved))
    return planted


def suspects(folder: Path) -> tuple[int, dict[str, set[str]]]:
    """Images, and the suspects by finding."""
    found = scan_spec(folder, Options(size=(64, 64)))
    return found.examples, {each.name: {name for name, _ in each.where} for each in found.findings}


def leaked(here: Path, files: list[Path], source: Path, count: int) -> tuple[set[str], set[str], int]:
    """Planted and found leaks of a second set, and its size."""
    draws, test = np.random.default_rng(1), here / "test"
    fresh, planted = drawn(source, test, count, count // 2), set()
    for k, path in enumerate(fresh[: round(2 * SHARE * len(fresh))]):
        again(files[k], path, draws) if k % 2 else shutil.copy(files[k], path)
        planted.add(path.relative_to(test).as_posix())
    looked = open_two(here / "clean", test, Options(size=(64, 64)))
    found = {name.split(": ", 1)[1] for each in run_checks(looked, ["leaks"]) for name, _ in each.where}
    return planted, found, len(fresh)


def row(planted: set[str], found: set[str], before: set[str], n: int, touched: set[str]) -> dict[str, float]:
    return {
        "planted": len(planted),
        "recall": len(planted & found) / max(1, len(planted)),
        "precision": len(touched & found) / max(1, len(found)),
        "clean": len(before) / n,
    }


def measured(name: str, count: int) -> dict[str, dict[str, float]]:
    source = root() / name
    others = [path for path in STRANGERS if name not in path]
    strangers = [
        file for files in zip(*(sorted(root().glob(path))[:count] for path in others), strict=False) for file in files
    ]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        clean = drawn(source, here / "clean", 0, count)
        n, before = suspects(here / "clean")
        planted = plant(drawn(source, here / "dirty", 0, count), strangers, np.random.default_rng(0))
        _, found = suspects(here / "dirty")
        touched = set().union(*planted.values())
        rows = {key: row(planted[key], found.get(key, set()), before.get(key, set()), n, touched) for key in PLANTED}
        leaks, seen, tests = leaked(here, clean, source, count)
        return rows | {"leaks": row(leaks, seen, seen - leaks, tests, leaks)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=["eurosat-4k", "trashnet-128"])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--clean", nargs="*", default=[], help="whole sets, or named ones")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows, clean = {}, {}
    for name in args.sets:
        rows[name] = measured(name, args.count)
        print(name, rows[name], file=sys.stderr)
    for name in args.clean:
        spec = str(root() / name) if (root() / name).is_dir() and "mnist" not in name else name
        found = scan_spec(spec)
        clean[name] = {each.name: len(each.where) / found.examples for each in found.findings}
        print(name, clean[name], file=sys.stderr)
    if args.json:
        print(json.dumps({"planted": rows, "clean": clean}))
        return
    print("| set | finding | planted | recall | precision | suspected in clean |\n|---|---|---|---|---|---|")
    for name, table in rows.items():
        for key, of in table.items():
            cells = f"{of['recall']:.0%} | {of['precision']:.0%} | {of['clean']:.1%}"
            print(f"| {name} | {key} | {of['planted']:.0f} | {cells} |")
    print("\n| whole set | " + " | ".join(IMAGE_CHECKS) + " |\n|" + "---|" * (len(IMAGE_CHECKS) + 1))
    for name, shares in clean.items():
        print(f"| {name} | " + " | ".join(f"{shares.get(key, 0):.2%}" for key in IMAGE_CHECKS) + " |")


if __name__ == "__main__":
    main()
