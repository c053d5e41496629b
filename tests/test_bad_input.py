"""Every bad input gets one line, and nothing that was there is lost."""

import errno
import json
import os
import shutil

import pytest
from commands import refused, spar

import sparring
from sparring.errors import UserError

BAD = {
    "unknown recipe": (["train", "dcgn", "--out", "{new}"], "did you mean 'dcgan'"),
    "missing folder": (["train", "dcgan", "--data", "{tmp}/nowhere", "--out", "{new}"], "nowhere"),
    "empty folder": (["train", "dcgan", "--data", "{empty}", "--out", "{new}"], "empty"),
    "no pairs": (["train", "cogan", "--out", "{new}"], "give pairs, such as digits+edges"),
    "edges of points": (["train", "cogan", "--data", "ring+edges", "--out", "{new}"], "leave out +edges"),
    "impossible size": (["train", "dcgan", "--size", "6", "--out", "{new}"], "sides of 8"),
    "no schedule": (["train", "dcgan", "--noise", "0.1:0:x", "--out", "{new}"], "schedule like 0.1:0:200000"),
    "negative images": (["train", "dcgan", "--images", "-5", "--out", "{new}"], "examples is -5"),
    "negative batch": (["train", "dcgan", "--batch", "-1", "--out", "{new}"], "batch is -1"),
    "uneven slices": (["train", "mlp-gan", "--micro-batches", "7", "--out", "{new}"], "7 equal micro-batches"),
    "bad bar": (["train", "dcgan", "--until", "fidget", "--out", "{new}"], "--until"),
    "unknown flag": (["train", "dcgan", "--bacth", "3", "--out", "{new}"], "did you mean 'batch'"),
    "flag without value": (["train", "dcgan", "--out", "{new}", "--batch"], "--batch needs a value"),
    "not a number": (["train", "dcgan", "--lr", "fast", "--out", "{new}"], "--lr fast"),
    "no command": ([], "COMMAND"),
    "no such run": (["resume", "{tmp}/nowhere"], "is no run"),
    "existing run": (["train", "dcgan", "--out", "{run}"], "exists already"),
    "finished run": (["resume", "{run}"], "nothing left to do"),
    "negative count": (["sample", "{run}", "--n", "-3", "--out", "{new}.png"], "n is -3: it must be 1 or more"),
    "unknown ending": (["sample", "{run}", "--out", "{new}.bmp"], "'.bmp'"),
    "no threads": (["train", "dcgan", "--threads", "0", "--out", "{new}"], "threads is 0"),
    "no such GPU": (["train", "dcgan", "--device", "cuda:99", "--out", "{new}"], "no device 'cuda:99'"),
    "no device's number": (["train", "dcgan", "--device", "cpu:x", "--out", "{new}"], "no device 'cpu:x'"),
    "no such device": (["train", "dcgan", "--device", "tpu", "--out", "{new}"], "no device 'tpu'"),
    "sample nothing": (["sample", "{empty}", "--out", "{new}.png"], "no model"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line(case, finished, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path, "new": tmp_path / "new", "empty": tmp_path / "empty", "run": finished}
    words, expected = BAD[case]
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    assert expected in refused(capsys, *[word.format(**places) for word in words])
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before
    assert not list(tmp_path.glob("new*"))


def test_a_full_disk_loses_nothing(finished, tmp_path, capsys, monkeypatch):
    out = tmp_path / "full"
    shutil.copytree(finished, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in refused(capsys, "sample", finished, "--out", tmp_path / "x.png")
    for newest in sorted((out / "checkpoints").glob("*"))[1:]:
        before.pop(newest)
        newest.unlink()
    assert "No space left" in refused_after_progress(capsys, "resume", out)
    before.pop(out / "journal.jsonl")  # its lines about the missing rounds are gone with their checkpoint
    assert all(path.read_bytes() == content for path, content in before.items())


def refused_after_progress(capsys, *words):
    capsys.readouterr()
    assert spar(*words) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_model_file_can_ask_for_nothing_foreign(finished, tmp_path):
    def edited(change):
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(finished / "model", folder)
        about = json.loads((folder / "model.json").read_text())
        change(about)
        (folder / "model.json").write_text(json.dumps(about))
        return folder

    with pytest.raises(UserError, match="no network 'os"):
        sparring.load(edited(lambda a: a["recipe"]["generator"].update(name="os.system")))
    with pytest.raises(UserError, match="no model description"):
        sparring.load(edited(lambda a: a["recipe"].update(code="import os")))
    with pytest.raises(UserError, match="number above"):
        sparring.load(edited(lambda a: a["recipe"]["generator"]["numbers"].update(widths=[10**9])))
    with pytest.raises(UserError, match="no model description"):
        sparring.load(edited(lambda a: a.pop("shape")))
    with pytest.raises(UserError, match="samples of more than"):
        sparring.load(edited(lambda a: a.update(shape=[1, 2**20, 2**20])))
    # Networks far too large for any memory, and of far too many layers, are refused before they are made.
    with pytest.raises(UserError, match=r"does not fit model\.json"):
        sparring.load(edited(lambda a: a["recipe"]["generator"]["numbers"].update(widths=[2**20, 2**20])))
    with pytest.raises(UserError, match="more than 10,000 modules"):
        sparring.load(edited(lambda a: a["recipe"]["generator"]["numbers"].update(widths=[1] * 20_000)))
    with pytest.raises(UserError, match="can't be built"):
        sparring.load(edited(lambda a: a["recipe"]["generator"]["numbers"].update(widths=[-4])))
    with pytest.raises(UserError, match="does not fit"):
        sparring.load(edited(lambda a: a["recipe"]["generator"]["numbers"].update(widths=[8])))
