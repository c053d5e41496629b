"""The best weights of a run that goes back: never those of a course that was left."""

import json
import math

import pytest
import torch
from commands import same, spar
from safetensors.torch import load_file

import sparring
from sparring.metrics.point.judge import PointJudge
from sparring.training import checkpoint
from sparring.training.loop.loop import strip_prefix
from sparring.training.run.best_weights import rollback_best
from sparring.training.run.run import Run


@pytest.fixture
def run(tmp_path) -> Run:
    """Three reports, after 768, 1,536 and 2,304 images; the checkpoint of the first is no longer kept."""
    run = sparring.train("points", "ring", tmp_path / "run", images=2304, reports=3, threads=1)
    scored(run, 3, 2, 1)
    run.save(run.model)
    assert [checkpoint.examples_of(path) for path in checkpoint.saved_checkpoints(run.folder / "checkpoints")] == [
        1536,
        2304,
    ]
    return run


def scored(run: Run, *scores: float) -> None:
    """As if these had been the scores."""
    leading = run.judge.score_names[0]
    for entry, score in zip(run.journal.entries, scores, strict=True):
        entry["scores"][leading] = score
    lines = [json.dumps(entry) for entry in run.journal.entries]
    (run.folder / "journal.jsonl").write_text("\n".join(lines) + "\n")


def back_to(run: Run, images: int) -> None:
    run.loop.rounds = images // run.loop.settings.batch
    rollback_best(run.folder, run.journal, run.judge.score_names[0], run.loop, run.calibrated)


def test_weights_from_before_stay(run):
    best = run.folder / "model" / "best.safetensors"
    before = best.read_bytes()
    scored(run, 3, 1, 2)
    back_to(run, 1536)
    assert best.read_bytes() == before


def test_those_of_the_best_checkpoint_that_is_left_take_their_place(run):
    latest = {name: value.clone() for name, value in run.loop.ema.players.state_dict().items()}
    back_to(run, 1536)
    state = checkpoint.checkpoint_at(run.folder / "checkpoints", 1536, torch.device("cpu"))
    assert same(load_file(run.folder / "model" / "best.safetensors"), strip_prefix("ema.G.", state))
    assert same(dict(run.loop.ema.players.state_dict()), latest)


def test_a_first_score_that_is_not_finite_does_not_stay_the_best(tmp_path, monkeypatch):
    values, measured = iter((math.nan, 2.0, 1.0)), PointJudge.scores

    def scores(judge, samples, part):
        taken = measured(judge, samples, part)
        return taken if part == "report" else taken | {judge.score_names[0]: next(values)}

    monkeypatch.setattr(PointJudge, "scores", scores)
    run = sparring.train("points", "ring", tmp_path / "run", images=1536, reports=2, threads=1)
    best, last = (load_file(run.folder / "model" / f"{name}.safetensors") for name in ("best", "last"))
    assert same(best, last)


def test_without_such_a_checkpoint_there_are_none_until_a_report_is_better(run):
    scored(run, -2, 5, -3)
    max(run.folder.glob("checkpoints/*")).unlink()
    assert spar("resume", run.folder) == 0
    assert not (run.folder / "model" / "best.safetensors").exists()
    assert sparring.load(run.folder).sample(3).shape == (3, 2)
