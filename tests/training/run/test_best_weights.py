"""A run keeps the weights of its best score, and the checkpoint that they are of."""

from dataclasses import replace

import pytest
import torch
from commands import same
from safetensors.torch import load_file

from sparring.data.dataset import Dataset, Split
from sparring.metrics.point.judge import PointJudge
from sparring.recipes import RECIPES
from sparring.recipes.recipe import Network
from sparring.training import checkpoint
from sparring.training.config.config import Config
from sparring.training.run.best_weights import rollback_best
from sparring.training.run.loggers import Logger
from sparring.training.run.run import Run

BATCH = 8


class Scripted(PointJudge):
    """Gives the scores that it was made with, in turn."""

    def sample_count(self, part) -> int:
        return 16

    def scores(self, values, part="report", metrics=None):
        return {"kl": self.script.pop(0), "modes": 1.0, "high_quality": 0.5}


class Keeping(Logger):
    """Both files of weights as they are after each report."""

    def __init__(self, folder):
        self.folder, self.best, self.last = folder / "model", [], []

    def report(self, entry, picture) -> None:
        self.best.append(load_file(self.folder / "best.safetensors"))
        self.last.append(load_file(self.folder / "last.safetensors"))

    def close(self) -> None:
        pass


def play(folder, *scores: float) -> tuple[Run, Keeping]:
    """A run of so many reports, of a round each."""
    points = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    data = Dataset.of("ring", Split(points), Split(points), (), modality="point")
    networks = {
        "generator": Network("mlp-generator", {"widths": [8], "output": "linear"}),
        "critic": Network("mlp-critic", {"widths": [8], "dropout": 0.0}),
    }
    recipe = replace(RECIPES["points"], batch=BATCH, ema_half_life=0, **networks)
    judge = Scripted(points, torch.zeros(1, 2), 0.1)
    object.__setattr__(judge, "script", list(scores))
    config = Config(recipe, "ring", examples=BATCH * len(scores), reports=len(scores))
    (folder / "samples").mkdir(parents=True)
    watcher = Keeping(folder)
    run = Run(folder, config, data, judge, watchers=[watcher])
    assert run.play() == "finished" and not judge.script
    return run, watcher


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((3, 1, 2, 4), (0, 1, 1, 1)),
        ((1, 2, 3, 4), (0, 0, 0, 0)),
        ((4, 3, 2, 1), (0, 1, 2, 3)),
        ((2, 2, 1, 1), (0, 0, 2, 2)),
    ],
)
def test_after_each_report_the_best_weights_are_those_of_the_lowest_score(tmp_path, scores, best):
    """Of equal scores the first one's."""
    run, kept = play(tmp_path, *scores)
    assert [entry["scores"]["kl"] for entry in run.journal.entries] == list(scores)
    assert not any(same(kept.last[i], kept.last[j]) for i in range(4) for j in range(i))
    for actual, of in zip(kept.best, best, strict=True):
        assert same(actual, kept.last[of])


@pytest.mark.parametrize(
    ("scores", "rounds"),
    [((1, 2, 3, 4, 5), (1, 4, 5)), ((3, 1, 2, 4, 5), (2, 4, 5)), ((5, 4, 3, 2, 1), (4, 5)), ((5, 4, 3, 1, 2), (4, 5))],
)
def test_the_checkpoint_of_the_best_score_is_kept_beside_the_last_two(tmp_path, scores, rounds):
    _, kept = play(tmp_path, *scores)
    saved = [checkpoint.examples_of(path) // BATCH for path in checkpoint.saved_checkpoints(tmp_path / "checkpoints")]
    assert tuple(saved) == rounds
    best = 1 + scores.index(min(scores))
    state = checkpoint.checkpoint_at(tmp_path / "checkpoints", best * BATCH, torch.device("cpu"))
    assert state is not None
    weights = {name.removeprefix("ema.G."): value for name, value in state.items() if name.startswith("ema.G.")}
    assert same(weights, kept.best[-1])


def test_a_run_that_goes_back_has_the_best_weights_of_what_is_left(tmp_path):
    """The best score is the last; before it was the first, whose checkpoint is then kept."""
    run, kept = play(tmp_path, 2, 3, 4, 5)
    run.journal.entries[-1]["scores"]["kl"] = 1.0  # as if the last had been the best
    run.model.save(tmp_path / "model", "best")
    assert same(load_file(tmp_path / "model" / "best.safetensors"), kept.last[3])
    run.loop.rounds = 3
    rollback_best(tmp_path, run.journal, "kl", run.loop, run.calibrated)
    assert same(load_file(tmp_path / "model" / "best.safetensors"), kept.last[0])
