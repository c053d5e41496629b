"""Run folders of version 1 (`tests/fixtures/v1`) sample, go on, encode and are scored as they were by version 1."""

import json
import shutil
from pathlib import Path

import pytest
import tiny_runs
import torch

import sparring

FIXTURES = Path(__file__).parent / "fixtures" / "v1"
RUNS = (
    *("dcgan", "cgan", "stylegan2", "points", "table", "denoise", "cyclegan", "infogan", "progan", "vae-gan"),
    "mlp-gan",
)
"""The last one has a remedy in its configuration."""
CHANNELS = {"denoise": 1, "cyclegan": 3}
"""Of the input of models that are applied to images."""
ENCODES = "vae-gan"
SCORED = ("dcgan", "points", "table", "cyclegan")
COMPARED = ("dcgan", "infogan")
CLOSE = 0.05, 0.02
"""Relative and absolute tolerance on another machine than that of the fixtures."""


def answers(recipe: str, run: Path, copy: Path) -> dict:
    """What version 1 answered: samples of a run, and of a copy, which is changed: the weights after going on to the
    end, and the losses on the way. The working directory holds the data."""
    found: dict = {"samples": tiny_runs.summary_of(samples(recipe, sparring.load(run)))}
    found["last"] = tiny_runs.summary_of(samples(recipe, sparring.load(run, "last")))
    if recipe == ENCODES:
        found["latents"] = tiny_runs.summary_of(sparring.load(run).encode(pictures(1, 8)))
    if recipe in SCORED:
        found["scores"] = scores(run)
    if recipe == COMPARED[1]:
        table = sparring.compare([run.parent / name for name in COMPARED], samples=64, features="pixels")
        found["compared"] = {Path(row.name).name: row.scores for row in table.rows if Path(row.name).name in COMPARED}
    shutil.copytree(run, copy)
    sparring.resume(copy)
    found["resumed"] = tiny_runs.summary_of_weights(tiny_runs.checkpoints(copy)[-1])
    found["resumed_last"] = tiny_runs.summary_of(samples(recipe, sparring.load(copy, "last")))
    found["losses"] = [sorted(entry["losses"].values()) for entry in tiny_runs.journal(copy)]
    return found


def scores(run: Path) -> dict[str, float]:
    """The model's row."""
    features = None if run.name in ("points", "table") else "pixels"
    return dict(sparring.evaluate(run, samples=64, features=features).rows[0].scores)


def samples(recipe: str, model) -> torch.Tensor:
    return model.apply(pictures(CHANNELS[recipe])) if recipe in CHANNELS else model.sample(8, seed=3)


def pictures(channels: int, side: int = 16) -> torch.Tensor:
    return torch.randint(256, (8, channels, side, side), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version-1")
    tiny_runs.write_data(folder)
    return folder


@pytest.mark.usefixtures("quick_judge")
@pytest.mark.parametrize("recipe", RUNS)
def test_version_1(recipe, data, monkeypatch):
    monkeypatch.chdir(data)
    expected = json.loads((FIXTURES / "expected.json").read_text())
    found = json.loads(json.dumps(answers(recipe, FIXTURES / recipe, Path(recipe))))
    exact = expected["machine"] == tiny_runs.machine()
    old, new = tiny_runs.flat(expected[recipe]), tiny_runs.flat(found)
    tolerance = (0.0, 0.0) if exact else CLOSE
    assert set(old) == set(new)
    wrong = [
        f"{name}: {value} became {new[name]}"
        for name, value in old.items()
        if not tiny_runs.close(value, new[name], tolerance) and (exact or not name.endswith("sha256"))
    ]
    assert not wrong, "\n".join(["", *wrong])
