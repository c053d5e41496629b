"""What every recipe computes, in a file each; `python tests/golden/make.py [RECIPE …]` writes the files anew."""

import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import tiny_runs

HERE = Path(__file__).parent
ROUNDS, SAMPLES = 2, 16
CLOSE = {"samples": (0.01, 1.0), "losses": (0.01, 1e-3), "checkpoint": (1e-3, 0.0)}
"""Relative and absolute tolerance on another machine; samples are mostly pixels from 0 to 255."""
CHANNELS = {"pix2pix": 3, "cyclegan": 3, "cut": 3, "fastcut": 3, "colorize": 1, "upscale": 3} | dict.fromkeys(
    ("denoise", "deblur", "inpaint", "stargan"), 1
)
"""Of the input, by recipes whose models are applied to images."""


def golden(recipe: str, known: dict, folder: Path, help_text: str) -> dict:
    """Trains the tiny version of a recipe in a folder with data, and returns what its file holds."""
    torch.set_num_threads(1)
    run = folder / recipe
    with tiny_runs.inside(folder):
        tiny_runs.train(recipe, known, Path(recipe), ROUNDS, help_text)
    entry = tiny_runs.journal(run)[-1]
    return {
        "machine": tiny_runs.machine(),
        "samples": tiny_runs.summary_of(drawn(recipe, run)),
        "checkpoint": tiny_runs.summary_of_weights(tiny_runs.checkpoints(run)[-1]),
        "losses": entry["losses"],
        "journal": sorted(tiny_runs.flat({name: entry[name] for name in entry if not isinstance(entry[name], list)}))
        + sorted(name for name in entry if isinstance(entry[name], list)),
        "run.json": unversioned(tiny_runs.flat(json.loads((run / "run.json").read_text()))),
        "model.json": tiny_runs.flat(json.loads((run / "model" / "model.json").read_text())),
    }


def drawn(recipe: str, run: Path) -> torch.Tensor:
    """Samples of the latest weights."""
    import sparring

    model = sparring.load(run, "last")
    if recipe not in CHANNELS:
        return model.sample(SAMPLES, seed=0)
    side = 4 if recipe == "upscale" else tiny_runs.SIDE
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (SAMPLES, CHANNELS[recipe], side, side), generator=g).to(torch.uint8)
    known = torch.rand(SAMPLES, 1, side, side, generator=g) > 0.3 if recipe == "inpaint" else None
    return model.apply(x, known, label="1" if recipe == "stargan" else None)


def unversioned(pairs: dict[str, object]) -> dict[str, object]:
    """Without the versions of packages."""
    versions = {platform.python_version(), *map(version, ("sparring", "torch", "numpy"))}
    return {
        path: "a version" if isinstance(value, str) and value in versions else value for path, value in pairs.items()
    }


def differences(expected: dict, found: dict) -> list[str]:
    """Lines that say what differs: to the bit on the machine that the file was made on, else within a tolerance."""
    exact = expected["machine"] == found["machine"]
    lines = []
    for part in expected:
        if part == "machine":
            continue
        old, new = (
            {key: 0 for key in held} if isinstance(held, list) else held for held in (expected[part], found[part])
        )
        tolerance = (0.0, 0.0) if exact else CLOSE.get(part, (1e-6, 1e-9))
        for key in [*old, *(key for key in new if key not in old)]:
            if key == "sha256" and not exact:
                continue
            if key not in new or key not in old or not tiny_runs.close(old[key], new[key], tolerance):
                lines += [f"- {part}: {key}: {old[key]}"] if key in old else []
                lines += [f"+ {part}: {key}: {new[key]}"] if key in new else []
    return lines


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        tiny_runs.write_data(folder)
        known, help_text = tiny_runs.recipes(), tiny_runs.spar("train", "--help")[1]
        for recipe in names or known:
            (HERE / f"{recipe}.json").write_text(tiny_runs.text(golden(recipe, known[recipe], folder, help_text)))
            print(recipe)


if __name__ == "__main__":
    main(sys.argv[1:])
