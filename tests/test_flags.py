"""Flags that stand for something the Python face has too: each arrives there as what it says."""

import pytest
from commands import refused

from sparring import api
from sparring.errors import UserError
from sparring.explore import sample

TRAIN = {
    "--images 640": {"images": 640},
    "--from runs/other --freeze 2": {"source": "runs/other", "freeze": 2},
    "--minutes 1.5": {"minutes": 1.5},
    "--until frechet<10": {"until": "frechet<10"},
    "--no-heal": {"heal": False},
    "--compiled": {"compiled": True},
    "--recompute": {"recompute": True},
    "--synchronised": {"synchronised": True},
    "--micro-batches auto": {"micro_batches": 0},
    "--batch auto": {"micro_batches": 0},
    "--micro-batches 4": {"micro_batches": 4},
    "--precision bf16 --device cpu --threads 3 --seed 5": {
        "precision": "bf16",
        "device": "cpu",
        "threads": 3,
        "seed": 5,
    },
    "--reports 3 --timeout 7": {"reports": 3, "timeout": 7.0},
}
EVALUATE = {
    "--features pixels": {"features": "pixels"},
    "--intervals": {"intervals": True},
    "--smoothness": {"smoothness": True},
    "--metrics frechet kernel": {"metrics": ["frechet", "kernel"]},
}


@pytest.fixture
def told(monkeypatch):
    """What a function of the library was called with; it answers nothing."""
    heard: dict = {}

    def listen(where, name):
        def called(*given, **named):
            heard.update(named, given=given)
            raise UserError("heard")

        monkeypatch.setattr(where, name, called)
        return heard

    return listen


@pytest.mark.parametrize("words, wanted", TRAIN.items())
def test_of_train(words, wanted, told, capsys, tmp_path):
    heard = told(api, "train")
    assert refused(capsys, "train", "dcgan", "--out", tmp_path / "run", *words.split()) == "spar: heard"
    assert {name: heard[name] for name in wanted} == wanted


@pytest.mark.parametrize("words, wanted", EVALUATE.items())
def test_of_evaluate(words, wanted, told, capsys):
    heard = told(api, "evaluate")
    assert refused(capsys, "evaluate", "run", *words.split()) == "spar: heard"
    assert {name: heard[name] for name in wanted} == wanted
    assert heard["given"] == ("run", None, 0, None)


def test_of_compare(told, capsys):
    heard = told(api, "compare")
    words = ("--reference", "data", "--samples", 100, "--seed", 3, "--metrics", "support")
    assert refused(capsys, "compare", "a", "b", *words) == "spar: heard"
    assert heard["given"] == (["a", "b"], "data")
    assert heard["samples"] == 100 and heard["seed"] == 3 and heard["metrics"] == ["support"]


def test_labels_and_truncation(told, capsys, monkeypatch, tmp_path):
    heard = told(api, "train")
    refused(capsys, "train", "dcgan", "--out", tmp_path / "run", "--labels", "classes.csv", "--fit", "crop")
    assert heard["reading"].labels == "classes.csv" and heard["reading"].fit == "crop"
    monkeypatch.setattr("sparring.model.load", lambda run, weights: None)
    heard = told(sample, "Samples")
    words = ("--truncation", 0.7, "--seeds", "0-2,9", "--out", tmp_path / "a.png")
    assert refused(capsys, "sample", "run", *words) == "spar: heard"
    assert heard["given"] == (None, 4, 0, (0, 1, 2, 9), 0.7, (), {})
