"""A modality is one module and one line in the registry; everything else takes it as it is."""

import json

import pytest
import torch
from commands import spar
from toy_wave import TOY_RECIPE, WAVE

import sparring
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import MODALITIES


@pytest.fixture
def waves(monkeypatch, tmp_path):
    """A file of waves, with the modality in the registry."""
    monkeypatch.setitem(MODALITIES, WAVE.name, WAVE)
    values = torch.randn(48, 6, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "sea.wave"
    path.write_text(json.dumps(values.tolist()))
    return path


def test_it_is_probed_and_loaded(waves):
    data = load_dataset(waves)
    assert data.modality == "wave" and data.shape == (6,) and len(data.train) == 40
    assert sparring.advise(waves).recipe is TOY_RECIPE


def test_it_is_trained_sampled_scored_and_shown(waves, tmp_path, capsys):
    folder = tmp_path / "run"
    run = sparring.train(TOY_RECIPE, waves, folder, examples=16, reports=1, device="cpu", threads=1)
    assert run.loop.rounds == 2 and run.report is not None
    assert [row.name for row in run.report.rows] == ["model", "real", "silence"]
    preview = folder / "samples" / f"{16:012d}.txt"
    assert len(preview.read_text().splitlines()) == WAVE.preview_count
    assert len((folder / "samples" / "beside.txt").read_text().splitlines()) == 2 * WAVE.preview_count + 1
    html = (folder / "report.html").read_text()
    assert WAVE.legend in html and f"{preview.read_text()}</pre>" in html

    out = tmp_path / "samples.wave"
    assert spar("sample", folder, "--n", 5, "--out", out) == 0
    samples = torch.tensor(json.loads(out.read_text()))
    torch.testing.assert_close(samples, sparring.load(folder).sample(5))
    assert sparring.evaluate(folder, intervals=True).rows[0].intervals

    page = tmp_path / "page.html"
    report = sparring.compare([folder, waves], page=page)
    assert [row.name for row in report.rows[:2]] == [str(folder), str(waves)] and "<pre>" in page.read_text()
