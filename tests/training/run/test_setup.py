"""How a run starts or goes on: with the device, the threads and the data it is said to have."""

import json
import shutil

import pytest
import torch
from commands import refused, spar

import sparring

pytestmark = pytest.mark.usefixtures("quick_judge")

SMALL = ["--reports", "1", "--batch", "32", "--threads", "1"]


@pytest.fixture
def run(tmp_path):
    out = tmp_path / "original"
    assert spar("train", "mlp-gan", "--data", "digits", "--out", out, "--images", 64, *SMALL) == 0
    return out


def test_a_run_of_another_machines_device_is_refused(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    about["config"]["device"] = "cuda:99"
    (tmp_path / "run" / "run.json").write_text(json.dumps(about))
    assert "no device 'cuda:99' on this machine; there are: " in refused(capsys, "resume", tmp_path / "run")


def test_threads_are_set_before_anything_is_measured(tmp_path, monkeypatch):
    class Measured(Exception):
        pass

    def measured(*_):
        raise Measured(str(torch.get_num_threads()))

    monkeypatch.setattr("sparring.training.session.resolve_machine_settings", measured)
    with pytest.raises(Measured, match="2"):
        sparring.train("mlp-gan", "digits", tmp_path / "run", threads=2)


def test_other_data_than_a_runs_own_is_refused(run, tmp_path, capsys, monkeypatch):
    """Commands refuse it; --changed-data accepts it, and scores say so."""
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data_fingerprint": "another"}))
    assert "its fingerprint has changed" in refused(capsys, "resume", tmp_path / "run")
    words = ["train", "mlp-gan", "--data", "digits", "--out", tmp_path / "run", "--images", 64, *SMALL]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert "its fingerprint has changed" in refused(capsys, *words)
    assert "say what to compare with, by --reference SPEC" in refused(capsys, "compare", tmp_path / "run")
    assert spar("evaluate", tmp_path / "run", "--samples", 50, "--metrics", "frechet", "--changed-data") == 0
    assert "not what the run was trained on: the fingerprint of digits has changed" in capsys.readouterr().out
