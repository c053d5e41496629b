"""Tiny training runs of every recipe through `python -m sparring` alone, for comparing versions of the library.

Knows no module of the library, only its command line. Names that differ between versions are in `ALIASES`.
"""

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import runpy
import signal
import sys
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_digits

SETTINGS = {
    "batch": "8", "z": "8", "pool": "3", "places": "20", "warm-up": "8", "phase": "8",
    "generator.blocks": "1", "generator.dilations": "1", "generator.embedding": "8", "generator.group": "4",
    "generator.growth": "4", "generator.head": "8", "generator.levels": "1", "generator.mapping": "1",
    "generator.w": "8", "generator.widths": "16,16", "generator.attention": "8",
    "critic.blocks": "1", "critic.count": "4", "critic.group": "4", "critic.hidden": "16", "critic.mapping": "1",
    "critic.widths": "16,16", "critic.attention": "8",
} | {f"{side}.{size}": "8" for side in ("generator", "critic", "encoder") for size in ("width", "widest")}  # fmt: skip
"""Flags of recipes. A value that is 0 or empty by default (no attention, no warm-up) is left alone."""
OWN = {"ctgan": {"batch": "20"}}

OPTIONS: dict[str, object] = {
    "seed": 0, "threads": 1, "device": "cpu", "precision": "fp32", "no-heal": None
}  # fmt: skip
"""Of `spar train`; None for one without a value."""

ALIASES: dict[str, tuple[str, ...]] = {
    "pool": ("image-pool", "pool-size"),
    "places": ("nce-patches", "patches", "locations"),
    "phase": ("images-per-phase",),
    "critic": ("discriminator",),
    "no-heal": ("no-recovery",),
    "images": ("examples",),
}
"""Names that a flag, or the part of a flag before its dot, may have instead of the one used here."""

DATA = {
    "points": "ring",
    "cogan": "grey.npz+edges",
    "colorize": "colours.npz",
    "upscale": "colours.npz",
    **dict.fromkeys(("table", "ctgan"), "table.csv"),
    **dict.fromkeys(("pix2pix", "cyclegan", "cut", "fastcut"), "pairs"),
    **dict.fromkeys(
        ("cgan", "acgan", "projection", "reacgan", "biggan", "biggan-deep", "stargan")
        + ("r3gan-cifar10", "r3gan-imagenet32"),
        "classes.npz",
    ),
}
"""SPEC of the data set, relative to the folder that `write_data` filled; the others learn from grey images."""
GREY = "grey.npz"
SIDE = 16


def write_data(folder: Path) -> None:
    """Writes the data sets that `DATA` names into an existing folder: the same bytes of pixels every time."""
    digits = load_digits()
    pixels = (digits.images / 16 * 255).round().astype(np.uint8).repeat(2, 1).repeat(2, 2)
    np.savez(folder / GREY, images=pixels[:96])
    three = np.flatnonzero(digits.target < 3)[:120]
    np.savez(folder / "classes.npz", images=pixels[three], labels=digits.target[three])
    colours = np.random.RandomState(0).randint(0, 256, (96, SIDE // 4, SIDE // 4, 3)).astype(np.uint8)
    colours = colours.repeat(4, 1).repeat(4, 2)
    np.savez(folder / "colours.npz", images=colours)
    for part, start, end in (("train", 0, 30), ("test", 30, 42)):
        for side in "AB":
            (folder / "pairs" / (part + side)).mkdir(parents=True)
        for i in range(start, end):
            Image.fromarray(255 - colours[i]).save(folder / "pairs" / f"{part}A" / f"{i:02d}.png")
            Image.fromarray(colours[i]).save(folder / "pairs" / f"{part}B" / f"{i:02d}.png")
    write_table(folder / "table.csv")


def write_table(path: Path, rows: int = 150) -> None:
    """A table with whole numbers, a skewed number with gaps, a category, and a column to predict."""
    g = np.random.RandomState(0)  # whose numbers are the same in every version of NumPy
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["age", "wage", "city", "member"])
        for _ in range(rows):
            age, member = g.randint(18, 80), "yes" if g.rand() < 0.4 else "no"
            wage = "" if g.rand() < 0.1 else f"{100 + 4900 * g.rand() ** 3:.2f}"
            city = ("Rome", "Rome", "Rome", "Oslo", "Oslo", "Lima")[g.randint(6)]
            out.writerow([age, wage, city, member])


def spar(*words: object) -> tuple[int, str, str]:
    """Runs the command line in this process. Returns its exit code, standard output and standard error."""
    before, out, err = sys.argv, io.StringIO(), io.StringIO()
    sys.argv = ["spar", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            runpy.run_module("sparring", run_name="__main__")
        return 0, out.getvalue(), err.getvalue()
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue(), err.getvalue()
    finally:
        sys.argv = before


def recipes() -> dict[str, dict]:
    """Every recipe's flags and their default values, by the recipe's name."""
    code, out, err = spar("recipes", "--json")
    assert code == 0, err
    return json.loads(out)


def flags(known: dict) -> list[str]:
    """The words of a command line that make a recipe with these flags tiny."""
    words = []
    for name, value in (SETTINGS | OWN.get(known["name"], {})).items():
        found = next((flag for flag in _names(name) if flag in known), None)
        if found is not None and (known[found] or name == "generator.levels"):
            words += [f"--{found}", value]
    return words


def _names(flag: str) -> list[str]:
    """What a flag may be called."""
    side, dot, rest = flag.partition(".")
    whole = [flag, *ALIASES.get(flag, ())]
    return [*whole, *(f"{other}.{rest}" for other in ALIASES.get(side, ()))] if dot else whole


def train(recipe: str, known: dict, out: Path, rounds: int, help_text: str) -> None:
    """Trains a tiny version for so many rounds on one CPU thread, in the folder of the data. The run is planned for
    twice as many rounds and interrupted at its first report, so that no closing scores are taken.

    Args:
        known: the recipe's entry of `recipes()`.
        help_text: of `spar train --help`, in which options are looked up.
    """
    words = command(recipe, known, help_text, data=DATA.get(recipe, GREY), out=out, rounds=2 * rounds, reports=2)
    with interrupted_by_report():
        code, _, err = spar(*words, "--tensorboard")
    if code != 130:
        raise RuntimeError(f"{recipe} ended with {code} instead of an interruption: {err[-2000:]}")


def command(
    recipe: str, known: dict, help_text: str, *, data: str, out: Path, rounds: int, reports: int
) -> list[object]:
    """The words of a command line that trains a tiny version."""
    tiny = flags({"name": recipe, **known})
    batch = int(tiny[tiny.index("--batch") + 1])
    options = OPTIONS | {"data": data, "out": out, "images": rounds * batch, "reports": reports}
    words = ["train", recipe, *tiny]
    for name, value in options.items():
        found = next((flag for flag in _names(name) if f"--{flag}" in help_text.replace(",", " ").split()), None)
        if found is None:
            raise LookupError(f"spar train has no --{name}: add its new name to ALIASES in tests/tiny_runs.py")
        words += [f"--{found}"] if value is None else [f"--{found}", value]
    return words


@contextlib.contextmanager
def interrupted_by_report(writer: type | None = None):
    """Interrupts a run with `--tensorboard` at its first report, as Ctrl-C does: in place of TensorBoard's writer there
    is one that sends the signal."""
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = writer or Interrupter  # type: ignore[attr-defined]
    stubs = {"tensorboard": types.ModuleType("tensorboard"), module.__name__: module}
    before = {name: sys.modules.get(name) for name in stubs}
    sys.modules |= stubs
    try:
        yield
    finally:
        for name, was in before.items():
            if was is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = was


class Interrupter:
    """In place of TensorBoard's writer."""

    def __init__(self, *args, **named):
        pass

    def flush(self):
        signal.raise_signal(signal.SIGINT)

    def __getattr__(self, name):
        return lambda *args, **named: None


@contextlib.contextmanager
def inside(folder: Path):
    """The working directory, so that SPECs are relative and hold no path of this machine."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def flat(value: object, path: str = "") -> dict[str, object]:
    """JSON as {"path.to.key": value}; a list without objects in it is a value."""
    if isinstance(value, dict) and value:
        parts = value.items()
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        parts = enumerate(value)
    else:
        return {path: value}
    return {
        key: held for name, part in parts for key, held in flat(part, f"{path}.{name}" if path else str(name)).items()
    }


def machine() -> str:
    """What the last bits of results on a CPU depend on: two machines with the same text compute the same."""
    able = {name: value for name, value in torch.cpu.get_capabilities().items() if not name.startswith("num_")}
    built = hashlib.sha256((json.dumps(able, sort_keys=True) + torch.__config__.show()).encode()).hexdigest()[:16]
    return f"torch {torch.__version__}, {able.get('cpu_name', '')}, {built}"


def tensor_digests(path: Path) -> list[str]:
    """The sha256 of each tensor in a safetensors file (type, shape, bytes), sorted: they don't depend on names."""
    return sorted(sha256_of(tensor) for tensor in load_file(path).values())


def sha256_of(tensor: torch.Tensor) -> str:
    x = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(repr((str(x.dtype), tuple(x.shape))).encode())
    digest.update(x.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def checkpoints(run: Path) -> list[Path]:
    """The oldest first."""
    return sorted((run / "checkpoints").glob("*.safetensors"))


def journal(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


def summary_of(x: torch.Tensor, first: int = 8) -> dict[str, object]:
    """The sha256 of a tensor, and what is left of it where kernels round differently."""
    numbers = x.double().flatten()
    return {
        "sha256": sha256_of(x),
        "shape": list(x.shape),
        "mean": float(numbers.nanmean()),
        "std": float(numbers[~numbers.isnan()].std()),
        "first": [None if math.isnan(number) else number for number in numbers[:first].tolist()],
    }


def summary_of_weights(path: Path) -> dict[str, object]:
    """The same of all tensors of a safetensors file, whatever their names."""
    numbers = torch.cat([x.double().flatten() for x in load_file(path).values()])
    digest = hashlib.sha256("".join(tensor_digests(path)).encode()).hexdigest()
    return {
        "sha256": digest,
        "tensors": len(tensor_digests(path)),
        "numbers": len(numbers),
        "mean_abs": float(numbers.abs().mean()),
    }


def text(found: dict) -> str:
    """JSON with a line for each value."""
    parts = []
    for name, value in found.items():
        if isinstance(value, dict):
            lines = ",\n".join(
                f"  {json.dumps(key)}: {json.dumps(held, ensure_ascii=False)}" for key, held in value.items()
            )
            parts.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
        elif isinstance(value, list):
            lines = ",\n".join(f"  {json.dumps(held)}" for held in value)
            parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def close(a: object, b: object, tolerance: tuple[float, float]) -> bool:
    """Whether values are equal; numbers, and those in lists, within a relative or an absolute tolerance."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y, tolerance) for x, y in zip(a, b, strict=True))
    numbers = isinstance(a, float) and isinstance(b, float | int)
    return math.isclose(a, b, rel_tol=tolerance[0], abs_tol=tolerance[1]) if numbers else a == b
