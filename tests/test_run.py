"""Runs from beginning to end on the digits: folders, resuming to the bit, stopping."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import SMALL, final, same, spar
from PIL import Image
from safetensors.torch import load_file

import sparring
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.recipes import RECIPES
from sparring.recipes.catalogue.r3gan_presets import PRESETS
from sparring.training.loop import loop as running

DATA = {"image": ("digits", (1, 8, 8)), "point": ("ring", (2,))}
"""Of each medium; tables have tests of their own (tests/api/test_tabular.py)."""
PICTURED = [name for name, recipe in RECIPES.items() if recipe.modality in DATA]
NARROW = {"batch": "16", "generator.width": "16", "critic.width": "16"}
"""What makes networks for GPUs small."""
OWN = {"cogan": ("digits+edges", (2, 8, 8))}
"""Recipes that take other data than their medium's others."""


@pytest.mark.parametrize("recipe", PICTURED)
def test_every_recipe_trains_two_rounds(recipe, tmp_path):
    data, shape = OWN.get(recipe, DATA[RECIPES[recipe].modality])
    played = with_flags(RECIPES[recipe], NARROW) if RECIPES[recipe] in PRESETS else RECIPES[recipe]
    run = sparring.train(played, data, tmp_path / "run", images=2 * played.batch, reports=1)
    assert run.outcome == "finished" and run.loop.rounds == 2
    assert sparring.load(tmp_path / "run").sample(3).shape == (3, *shape)


def test_bf16_trains_close_to_fp32(tmp_path):
    runs = [
        sparring.train("dcgan", "digits", tmp_path / precision, images=640, reports=1, precision=precision)
        for precision in ("fp32", "bf16")
    ]
    (a,), (b,) = (run.journal.entries for run in runs)
    assert a["losses"] != b["losses"]
    for name, value in a["losses"].items():
        assert b["losses"][name] == pytest.approx(value, rel=0.02), name
    assert all(p.dtype == torch.float32 for p in runs[1].loop.game.parameters())


def test_what_a_run_leaves(finished):
    for name in ("run.json", "journal.jsonl", "scores.json", "report.html", "curves.png", "samples/beside.png"):
        assert (finished / name).stat().st_size > 0, name
    for name in ("model.json", "last.safetensors", "best.safetensors", "README.md"):
        assert (finished / "model" / name).stat().st_size > 0, name
    entries = [json.loads(line) for line in (finished / "journal.jsonl").read_text().splitlines()]
    assert [entry["examples"] for entry in entries] == [320, 640]
    assert set(entries[0]["losses"]) == {"critic.real", "critic.fake", "generator.generator"}
    about = json.loads((finished / "run.json").read_text())
    assert about["config"]["recipe"]["generator"]["numbers"]["widths"] == [16, 16] and "torch" in about["versions"]
    assert not list(finished.rglob("*.part"))


def test_best_weights_are_those_of_the_best_score(finished):
    entries = [json.loads(line) for line in (finished / "journal.jsonl").read_text().splitlines()]
    best, last = (load_file(finished / "model" / f"{name}.safetensors") for name in ("best", "last"))
    assert same(best, last) == (entries[-1]["scores"]["frechet"] < entries[0]["scores"]["frechet"])


def test_a_resumed_run_is_the_same_to_the_bit(finished, tmp_path, monkeypatch):
    """Interrupted between reports, by the signal a person sends, and gone on with."""
    play = running.Loop.round

    def interrupted(loop):
        if loop.rounds == 13:
            signal.raise_signal(signal.SIGINT)
        return play(loop)

    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(running.Loop, "round", interrupted)
        assert spar("train", "mlp-gan", "--out", out, "--images", 640, "--threads", 1, *SMALL) == 130
    assert int(final(out)["counters"][0]) == 14
    assert spar("resume", out) == 0
    assert same(final(out), final(finished))

    def without_clock(folder):
        lines = (folder / "journal.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if "seconds" not in k} for line in lines]

    assert without_clock(out) == without_clock(finished)


def test_watching_a_run_does_not_change_it(finished, tmp_path):
    out = tmp_path / "watched"
    words = [word if word != "2" else "10" for word in SMALL]
    assert spar("train", "mlp-gan", "--out", out, "--images", 640, "--threads", 1, *words) == 0
    a, b = final(out), final(finished)
    assert same(a, b)


def test_a_damaged_checkpoint_is_passed_over(finished, tmp_path, capsys):
    out = tmp_path / "damaged"
    shutil.copytree(finished, out)
    newest = max((out / "checkpoints").glob("*"))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert spar("resume", out) == 0
    assert newest.name in capsys.readouterr().err
    assert same(final(out), final(finished))


def test_a_run_cut_off_in_its_closing_scores_is_closed_by_resume(finished, tmp_path):
    out = tmp_path / "cut"
    shutil.copytree(finished, out)
    for name in ("scores.json", "report.html"):
        (out / name).unlink()
    assert spar("resume", out) == 0
    assert json.loads((out / "scores.json").read_text()) == json.loads((finished / "scores.json").read_text())
    assert (out / "report.html").exists() and same(final(out), final(finished))


def test_training_stops_at_the_bar_or_in_time(tmp_path):
    run = sparring.train("mlp-gan", "digits", tmp_path / "bar", images=6000, until="frechet < 99999")
    assert run.outcome == "reached" and run.loop.seen == 600
    run = sparring.train("mlp-gan", "digits", tmp_path / "clock", images=60_000, minutes=0.001, reports=1)
    assert run.outcome == "out of time" and run.loop.seen < 60_000
    assert sparring.load(tmp_path / "clock").sample(1).shape == (1, 1, 8, 8)


def test_samples_do_not_depend_on_how_many(finished):
    model = sparring.load(finished)
    assert torch.equal(model.sample(600, seed=1)[:7], model.sample(7, seed=1))
    assert not torch.equal(model.sample(7, seed=1), model.sample(7, seed=2))


def test_samples_in_every_form(finished, tmp_path):
    assert spar("sample", finished, "--n", 5, "--out", tmp_path / "a.png") == 0
    assert spar("sample", finished, "--n", 5, "--out", tmp_path / "a.npz", "--weights", "last") == 0
    assert spar("sample", finished, "--n", 5, "--out", tmp_path / "folder") == 0
    assert np.load(tmp_path / "a.npz")["images"].shape == (5, 8, 8, 1)
    images = sorted((tmp_path / "folder").iterdir())
    assert len(images) == 5 and Image.open(images[0]).size == (8, 8)


def test_json_is_one_object_and_nothing_else(finished, capsys):
    capsys.readouterr()
    assert spar("evaluate", finished, "--samples", 50, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in report["rows"]][:3] == ["model", "real", "training copies"]
    assert spar("recipes", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == set(RECIPES)
    assert spar("recipes", "--methods", "--json") == 0
    methods = json.loads(capsys.readouterr().out)
    assert methods["lecam"]["flag"] == "methods" and methods["projection"]["flag"] == "conditioning"
    assert spar("recipes", "infogan") == 0
    assert "--methods codes,invariance,steady\n" in capsys.readouterr().out


def test_a_tiny_game_converges(tmp_path):
    """Real digits: the score must leave the trivial rows behind within 30,000 images."""
    run = sparring.train("dcgan", "digits", tmp_path / "run", images=30_000, reports=3, threads=1)
    rows = {row.name: row.scores["frechet"] for row in run.report.rows}
    assert rows["model"] < 0.4 * min(rows["mean image"], rows["noise"])


def test_micro_batches_change_nothing_but_memory(tmp_path):
    """No batch norm in this game; dropout off, for its masks are a slice's own."""
    recipe = RECIPES["mlp-gan"]
    numbers = {**recipe.critic.numbers, "dropout": 0.0}
    recipe = type(recipe)(**{**vars(recipe), "critic": type(recipe.critic)("mlp-critic", numbers)})
    whole = sparring.train(recipe, "digits", tmp_path / "whole", images=300, reports=1)
    sliced = sparring.train(recipe, "digits", tmp_path / "sliced", images=300, reports=1, micro_batches=4)
    for p, q in zip(whole.loop.game.parameters(), sliced.loop.game.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5)


def test_python_m_is_the_same_and_help_needs_no_torch():
    code = "import sys; sys.argv = ['spar', 'recipes']\ntry:\n import sparring.__main__\nexcept SystemExit: pass\n"
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "mlp-gan" in done.stdout, done.stderr


def test_a_broken_image_is_left_out_and_told(tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(20):
        Image.effect_noise((8, 8), 60 + i).save(folder / f"{i}.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    assert spar("train", "mlp-gan", "--data", folder, "--out", tmp_path / "run", "--images", 64, *SMALL) == 0
    assert "broken.png" in capsys.readouterr().err


def test_a_run_in_a_thread_needs_no_signals(tmp_path):
    outcomes = []

    def play():
        outcomes.append(sparring.train("mlp-gan", "digits", tmp_path / "run", images=200, reports=1).outcome)

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert outcomes == ["finished"]


def test_a_diverged_run_says_so(tmp_path):
    hurried = replace(RECIPES["mlp-gan"], lr=1e30)
    run = sparring.train(hurried, "digits", tmp_path / "healed", images=1000, reports=1)
    assert run.outcome == "finished" and run.config.adjusted_recipe.lr == RECIPES["mlp-gan"].lr
    with pytest.raises(UserError, match=r"stopped after 3 adjustments .* not finite"):  # no rates of its own to go by
        sparring.train(replace(hurried, name="mine"), "digits", tmp_path / "run", images=1000, reports=1)
