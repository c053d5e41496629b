"""Flags: each arrives in the Python face as what it says, those too that only a recipe knows; and how commands end."""

import json
import signal

import pytest
from commands import refused, spar

from sparring import api
from sparring.commands.base import numbers
from sparring.commands.cli import parser
from sparring.errors import UserError
from sparring.sampling import samples
from sparring.training.loop import loop as running

TRAIN = {
    "--examples 640": {"examples": 640},
    "--images 640": {"examples": 640},
    "--from-run runs/other --freeze 2": {"from_run": "runs/other", "freeze": 2},
    "--from runs/other": {"from_run": "runs/other"},
    "--minutes 1.5": {"minutes": 1.5},
    "--until frechet<10": {"until": "frechet<10"},
    "--no-recovery": {"recovery": False},
    "--no-heal": {"recovery": False},
    "--compiled": {"compiled": True},
    "--recompute": {"recompute": True},
    "--sync-batch-norm": {"sync_batch_norm": True},
    "--synchronised": {"sync_batch_norm": True},
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
    assert heard["data_options"].labels == "classes.csv" and heard["data_options"].fit == "crop"
    monkeypatch.setattr("sparring.models.load.load_model", lambda run, weights: None)
    heard = told(samples, "Samples")
    words = ("--truncation", 0.7, "--seeds", "0-2,9", "--out", tmp_path / "a.png")
    assert refused(capsys, "sample", "run", *words) == "spar: heard"
    assert heard["given"] == (None, 4, 0, (0, 1, 2, 9), 0.7, (), {})


@pytest.mark.parametrize(
    ("words", "recipe", "given"),
    [
        (["train", "--data", "digits", "--out", "o", "--lr", "1e-4"], None, {"lr": "1e-4"}),
        (["train", "--lr", "1e-4", "dcgan", "--seed", "3", "--weight.r1=2"], "dcgan", {"lr": "1e-4", "weight.r1": "2"}),
        (["train", "dcgan", "--noise", "-1", "--json"], "dcgan", {"noise": "-1"}),
        (["bench", "step", "--batch", "32", "--rounds", "2"], "dcgan", {"batch": "32"}),
        (["bench", "step", "wgan-gp", "--batch=32"], "wgan-gp", {"batch": "32"}),
    ],
)
def test_a_value_belongs_to_the_flag_before_it(words, recipe, given):
    args, args.rest = parser().parse_known_args(words)
    assert args.recipe == recipe and numbers(args) == given


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_under_json_too(sent, tmp_path, monkeypatch, capsys):
    play = running.Loop.round

    def interrupted(loop):
        if loop.rounds == 1:
            signal.raise_signal(sent)
        return play(loop)

    monkeypatch.setattr(running.Loop, "round", interrupted)
    words = ["train", "points", "--data", "ring", "--images", "600", "--batch", "32", "--threads", "1"]
    assert spar(*words, "--out", tmp_path / "run", "--json") == 130
    told = json.loads(capsys.readouterr().out)
    assert told == {"run": str(tmp_path / "run"), "outcome": "interrupted", "examples": 64}
    monkeypatch.setattr(running.Loop, "round", play)
    assert spar("resume", tmp_path / "run") == 0 and (tmp_path / "run" / "scores.json").exists()
