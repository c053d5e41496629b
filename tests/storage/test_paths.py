"""Endings, names that do not collide, and files in the place of a run."""

from pathlib import Path

import numpy as np
import pytest
from cases import examples
from commands import SMALL, refused, spar
from hypothesis import given
from hypothesis import strategies as st

from sparring.storage.paths import file_ending, unique_names


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("s.PNG", ".png"),
        ("a/b.Jpeg", ".jpeg"),
        ("x.mp4", ".mp4"),
        ("x.unknown", ".unknown"),
        ("out/results.v2", ""),
        ("run-2024.12.01", ""),
        ("folder", ""),
        (".hidden", ""),
    ],
)
def test_file_ending(name, ending):
    assert file_ending(Path(name)) == ending


def test_unique_names():
    assert unique_names(["a", "b", "A", "a-2", "a"]) == ["a", "b", "A-2", "a-2-2", "a-3"]
    assert unique_names(["e\u0301", "\u00e9"]) == ["e\u0301", "\u00e9-2"]


@examples(100)
@given(st.lists(st.text("aA-2é\u0301", max_size=4)))
def test_unique_names_never_collide(names):
    unique = unique_names(names)
    assert len({name.casefold() for name in unique}) == len(names)
    assert all(new.startswith(old) for new, old in zip(unique, names, strict=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    np.savez(place / "noise.npz", images=np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8))
    words = ("--data", place / "noise.npz", "--out", place / "r1", "--images", "64", *SMALL)
    assert spar("train", "mlp-gan", *words) == 0
    return place / "r1"


@pytest.mark.parametrize("file", ["model/best.safetensors", "run.json", "model/model.json", "journal.jsonl"])
@pytest.mark.parametrize(
    "words",
    [
        ("sample", "{}", "--out", "x.png"),
        ("sample", "{}", "--out", "x.gif"),
        ("evaluate", "{}"),
        ("resume", "{}"),
        ("explore", "{}", "codes", "--out", "x.png"),
        ("apply", "{}", "digits", "--out", "x.png"),
        ("train", "mlp-gan", "--from-run", "{}", "--images", "64", "--out", "elsewhere"),
    ],
    ids=lambda words: " ".join(words),
)
def test_a_file_of_a_run(run, file, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(capsys, *(word.format(run / file) for word in words))
    assert f"{run / file} is a file, not a run: give its folder, {run}" in message


def test_a_file_outside_of_runs(tmp_path, capsys):
    (tmp_path / "x").touch()
    assert refused(capsys, "evaluate", tmp_path / "x").endswith("x is a file, not a run")


def test_samples_into_names_with_capitals_and_dots(run, tmp_path):
    for name in ("s.PNG", "s.NPZ", "samples.v2", "s.GIF"):
        assert spar("sample", run, "--n", "3", "--out", tmp_path / name) == 0
    assert len(list((tmp_path / "samples.v2").glob("*.png"))) == 3


def test_repeated_seeds_are_refused(run, tmp_path, capsys):
    message = refused(capsys, "sample", run, "--seeds", "0,0,1", "--out", tmp_path / "x")
    assert "seed 0 is given 2 times" in message and not (tmp_path / "x").exists()
