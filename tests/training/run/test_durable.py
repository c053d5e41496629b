"""A run on a machine that fails it: killed, its disk full, its memory gone; in each case it goes on to the same end."""

import json
import os
import shutil

import pytest
import torch
from commands import final, same, spar

import sparring
from sparring.commands.cli import main
from sparring.errors import MachineError, UserError
from sparring.metrics.judge import Judge
from sparring.training import checkpoint
from sparring.training.journal import Journal
from sparring.training.loop import loop as running
from sparring.training.run import evaluation
from sparring.training.run.lock import exclusive

SMALL = ["--batch", "32", "--generator.widths", "8,8", "--critic.widths", "8,8"]
HERE = ["--threads", "1", "--device", "cpu", "--precision", "fp32"]
TRAIN = ["train", "points", "--data", "ring", "--images", "192", "--reports", "3", *SMALL, *HERE, "--out"]


class Killed(BaseException):
    """Nothing catches it, as nothing does SIGKILL."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing happened to."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    torch.set_num_threads(1)
    assert spar(*TRAIN, out) == 0
    return out


def same_end(run, whole) -> bool:
    journals = [
        [(e["examples"], e["losses"], e["scores"]) for e in Journal(f / "journal.jsonl").entries] for f in (run, whole)
    ]
    scores = [json.loads((folder / "scores.json").read_text()) for folder in (run, whole)]
    return same(final(run), final(whole)) and journals[0] == journals[1] and scores[0] == scores[1]


def raising(error, at: int, play):
    """`play`, of which call number `at` raises."""
    calls = iter(range(1000))

    def played(*arguments, **named):
        if next(calls) == at:
            raise error
        return play(*arguments, **named)

    return played


PLACES = {
    "before the first round": (running.Loop, "round", 0),
    "before the first checkpoint": (checkpoint, "save_checkpoint", 0),
    "between the journal and the checkpoint": (checkpoint, "save_checkpoint", 1),
    "in the scores of a report": (Judge, "scores", 1),
    "before the journal": (Journal, "add", 2),
    "in the closing scores": (evaluation, "write_report", 0),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_run_killed_anywhere_goes_on_to_the_same_end(place, whole, tmp_path, monkeypatch):
    owner, name, at = PLACES[place]
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, raising(Killed(), at, getattr(owner, name)))
        main([*TRAIN, str(tmp_path / "run")])
    assert spar("resume", tmp_path / "run") == 0
    assert same_end(tmp_path / "run", whole)


def test_a_run_that_ends_on_a_report_is_saved_once_there(tmp_path, monkeypatch):
    saved, save = [], checkpoint.save_checkpoint
    monkeypatch.setattr(
        checkpoint, "save_checkpoint", lambda folder, seen, *more: (saved.append(seen), save(folder, seen, *more))
    )
    assert spar(*TRAIN, tmp_path / "run") == 0 and saved == [64, 128, 192]


def test_a_run_killed_while_its_folder_is_made_leaves_none(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "rename", raising(Killed(), 0, os.rename))
        main([*TRAIN, str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_a_run_that_reached_its_bar_and_was_killed_plays_no_further(tmp_path, monkeypatch):
    out = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(evaluation, "write_report", raising(Killed(), 0, evaluation.write_report))
        main([*TRAIN, str(out), "--until", "kl<99"])
    run = sparring.resume(out)
    assert run.outcome == "reached" and run.loop.seen == 64
    with pytest.raises(UserError, match=r"done .reached after 64 examples.: there is nothing left to do"):
        sparring.resume(out)


def test_scores_of_an_earlier_stop_do_not_pass_for_the_closing_ones(whole, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    scores = json.loads((out / "scores.json").read_text())
    (out / "scores.json").write_text(json.dumps(scores | {"examples": 128}))
    assert spar("resume", out) == 0 and same_end(out, whole)


FAILURES = {
    "memory": (MemoryError(), "memory is full"),
    "torch's memory": (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to …"), "memory is full"),
    "the GPU's memory": (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), "the GPU's memory is full"),
    "the GPU": (RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors …"), "the GPU is lost"),
    "the data's disk": (OSError(5, "Input/output error", "data.bin"), "data.bin: Input/output error"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_machine_is_told_in_one_line_and_the_run_goes_on(case, whole, tmp_path, monkeypatch, capsys):
    error, told = FAILURES[case]
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(running.Loop, "round", raising(error, 3, running.Loop.round))
        assert spar(*TRAIN, out) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("spar: ")]
    assert len(said) == 1 and said[0].startswith(f"spar: {told}") and said[0].endswith(f"spar resume {out}")
    assert spar("resume", out) == 0 and same_end(out, whole)


def test_a_fault_of_our_own_keeps_its_traceback(tmp_path, monkeypatch):
    for error in (RuntimeError("shapes do not match"), FileNotFoundError(2, "No such file", "x")):
        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(running.Loop, "round", raising(error, 0, running.Loop.round))
            sparring.train("points", "ring", tmp_path / type(error).__name__, images=600, reports=1)
    assert issubclass(MachineError, UserError)


def test_a_run_that_is_being_played_is_refused(whole, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with exclusive(out):
        capsys.readouterr()
        assert spar("resume", out) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"spar: {out} is being trained by process {os.getpid()} on ")
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_what_is_damaged_is_passed_over_and_said_so(whole, tmp_path, capsys):
    """One bit of the newest checkpoint; a torn line in the journal."""
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    newest = max(out.glob("checkpoints/*"))
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    with open(out / "journal.jsonl", "ab") as journal:
        journal.write(b'{"images": 2')
    assert spar("resume", out) == 0
    assert f"{newest} is damaged: continuing from the checkpoint before it" in capsys.readouterr().err
    assert same_end(out, whole)


def test_every_failing_operation_and_every_power_cut_of_a_sample(system_tests, tmp_path):
    """`tests/system/faults.py` tries them all."""
    import faults

    found = faults.measured(tmp_path, every=40)
    assert found["faults"]["fault"] == found["power cuts"]["fault"] == 0
    assert found["faults"]["told"] > 5 and found["power cuts"]["cases"] > 5


def test_three_kills(system_tests, tmp_path):
    """`tests/system/kills.py` makes more of them."""
    import kills

    found = kills.killed(tmp_path, 3, seed=0, images=1280, reports=8)
    assert found["kills"] >= 3 and found["same"] == found["runs"] > 0
    assert found["torn"] == found["torn at the end"] == 0
