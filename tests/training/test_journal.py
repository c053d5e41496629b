"""The journal: whole lines, whatever happened to the file."""

import errno
import os

import pytest

from sparring.errors import UserError
from sparring.training.journal import Journal, best


def entry(images: int, score: float = 1.0) -> dict:
    return {"examples": images, "seconds": images / 10, "scores": {"frechet": score}}


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.rewind(0)
    for images, score in ((10, 3.0), (20, 1.0), (30, 2.0)):
        journal.add(entry(images, score))
    return journal.path


def images(path) -> list[int]:
    return [entry["examples"] for entry in Journal(path).entries]


@pytest.mark.parametrize("left", [1, 20, 40])
def test_a_torn_line_is_gone_once_the_run_goes_on(path, left):
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:2]) + whole[2][:left])
    journal = Journal(path)
    journal.rewind(20)
    journal.add(entry(30, 2.0))
    assert path.read_bytes().splitlines(keepends=True) == whole


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[1, 2", b"7", b'{"images": "x"}', b"[" * 10_000, b"\0" * 50])
def test_a_line_that_is_none_costs_no_other(path, line):
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + b"\n" + b"".join(rest))
    assert images(path) == [10, 20, 30]


def test_rewinding_forgets_what_is_played_again(path):
    journal = Journal(path)
    before = path.stat().st_mtime_ns
    journal.rewind(30)
    assert path.stat().st_mtime_ns == before
    journal.rewind(20)
    assert images(path) == [10, 20] and journal.entry_at(20) == entry(20, 1.0) and journal.entry_at(30) is None


def test_the_best_report(path, tmp_path):
    assert Journal(path).best("frechet") == entry(20, 1.0)
    assert Journal(path).best("other") is None and Journal(tmp_path / "none").best("frechet") is None


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_not_finite_is_never_the_best(score):
    entries = [entry(10, score), entry(20, 3.0), entry(30, score), entry(40, 4.0)]
    assert best(entries, "frechet") is entries[1] and best(entries[:1], "frechet") is None


def test_scores_of_another_protocol_are_not_compared():
    """As of a run that goes on with other features; a protocol in the words of version 1 is the same."""
    old = [entry(10, 1.0) | {"protocol": "rare: categories below 5 % that are there"}]
    same = entry(20, 2.0) | {"protocol": "rare: share of categories below 5 % that occur"}
    new = [entry(30, 9.0) | {"protocol": "others"}, entry(40, 8.0) | {"protocol": "others"}]
    assert best([*old, same], "frechet") is old[0]
    assert best([*old, *new], "frechet") is new[1] and best([*old, new[0]], "frechet") is new[0]


def test_a_line_the_disk_does_not_take_leaves_none(path, monkeypatch):
    journal, whole = Journal(path), path.read_bytes()

    def half(file, content, write=os.write):
        monkeypatch.setattr(os, "write", full)
        return write(file, content[:7])

    def full(file, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(UserError, match="No space left"):
        journal.add(entry(40))
    assert path.read_bytes() == whole and len(journal.entries) == 3
