"""Runs on 1 to 40 images: refused at once, or played to the end; weights are saved before anything is scored."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from cases import examples
from hypothesis import example, given
from hypothesis import strategies as st

import sparring
from sparring.data import Dataset
from sparring.data.load import FEWEST
from sparring.errors import UserError
from sparring.metrics.judge import Judge

TINY = {"examples": 32, "reports": 2, "threads": 1, "device": "cpu", "precision": "fp32"}
LABELS = {
    "none": lambda n: None,
    "one class": lambda n: np.zeros(n, np.int64),
    "three classes": lambda n: np.arange(n) % 3,
    "a class each": lambda n: np.arange(n),
    "attributes": lambda n: np.linspace(0, 1, 2 * n).reshape(n, 2),
}


class Killed(BaseException):
    """Nothing catches it, as nothing does SIGKILL."""


class Killer:
    """A logger that ends the run after its first report."""

    def report(self, entry, picture):
        raise Killed

    def close(self):
        pass


RECIPE = replace(sparring.get_recipe("mlp-gan"), batch=8)


def images(n: int, labels: str = "none", alike: bool = False) -> Dataset:
    pixels = np.random.RandomState(n).randint(256, size=(n, 8, 8)).astype(np.uint8)
    return sparring.of_arrays(0 * pixels if alike else pixels, LABELS[labels](n))


@pytest.fixture(scope="module", autouse=True)
def _quick_judges(session):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparring.metrics.features.extractors._STEPS", 5)
        patch.setenv("XDG_CACHE_HOME", str(session / "few"))
        yield


@examples(1)
@given(n=st.integers(1, 40), labels=st.sampled_from(list(LABELS)), alike=st.booleans())
@example(n=12, labels="a class each", alike=False)
@example(n=13, labels="none", alike=True)
def test_any_number_of_images_is_refused_or_trained_on_to_the_end(n, labels, alike):
    """In two sessions, the first of which is killed after its first report."""
    if n < FEWEST:
        with pytest.raises(UserError, match=f"{FEWEST} or more are needed"):
            images(n, labels, alike)
        return
    data = images(n, labels, alike)
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        with pytest.raises(Killed):
            sparring.train(RECIPE, data, run, watchers=[Killer()], **TINY)
        assert not (run / "model" / "unscored.safetensors").exists()
        resumed = sparring.resume(run, data=data)
        assert resumed.outcome == "finished" and [e["examples"] for e in resumed.journal.entries] == [16, 32]
        assert sparring.load(run).sample(3).shape == (3, 1, 8, 8)
        assert resumed.report.too_few and "too few to tell" in (run / "report.html").read_text()


def test_scores_of_few_images_are_marked_wherever_they_are_shown(tmp_path, capsys):
    """Where 18 images leave three to compare with, the mean image scores better than real ones."""
    run = sparring.train(RECIPE, images(18), tmp_path / "run", **TINY)
    assert "warning: too few to tell: scores need 16 samples" in capsys.readouterr().err
    _, *rows = run.report.cells()
    numbers = [cell for row in rows for cell in row[1:-1]]
    assert len(numbers) == 8 * 3 and all(cell.startswith("(") and cell.endswith(")") for cell in numbers)
    assert not run.report.outperformed_by and "and there are 3" in run.report.too_few
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "too few to tell" in card and "too few to tell" in (tmp_path / "run" / "scores.json").read_text()
    compared = sparring.compare([tmp_path / "run"], images(18))
    assert compared.too_few == run.report.too_few and "warning: too few to tell" in compared.table()
    assert not sparring.evaluate(tmp_path / "run", data=images(200), changed_data=True).too_few
    again = sparring.evaluate(tmp_path / "run", 15, data=images(200), changed_data=True, intervals=True)
    assert "there are 15" in again.too_few and "frechet" in again.rows[0].intervals
    pair = sparring.evaluate(tmp_path / "run", 2, data=images(200), changed_data=True, intervals=True)
    assert not pair.rows[0].intervals  # one sample has no spread


def test_weights_are_saved_before_anything_is_scored(tmp_path, monkeypatch):
    """Scores that fail cost nothing but the scores."""
    run = tmp_path / "run"

    def broken(*arguments, **named):
        raise RuntimeError("scores fail")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="scores fail"):
        patch.setattr(Judge, "scores", broken)
        sparring.train(RECIPE, images(40), run, **TINY)
    samples = sparring.load(run).sample(3)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="scores fail"):
        patch.setattr("sparring.training.run.evaluation.evaluate_samples", broken)
        sparring.resume(run, data=images(40))
    assert sparring.load(run, "last").sample(3).shape == samples.shape
    assert sparring.resume(run, data=images(40)).report is not None
    assert {path.name for path in (run / "model").glob("*.safetensors")} == {"best.safetensors", "last.safetensors"}
