"""Files written whole or not at all, whatever the disk does, and what a power cut leaves of them."""

import errno
import os
import shutil

import pytest

from sparring.errors import UserError
from sparring.storage import atomic

FAULTS = {"full": errno.ENOSPC, "broken": errno.EIO, "read-only": errno.EROFS, "half": None}


@pytest.fixture
def disk(system_tests):
    import disk

    return disk


def written(folder):
    """A file replaced, one added to, and one in a new folder."""
    atomic.write_bytes(folder / "whole", b"new" * 1000)
    atomic.append_bytes(folder / "lines", b"second\n")
    atomic.ensure_folder(folder / "deep" / "er")
    atomic.write_bytes(folder / "deep" / "er" / "file", b"x")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "whole").write_bytes(b"old")
    (tmp_path / "here" / "lines").write_bytes(b"first\n")
    return tmp_path / "here"


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("lasting", [False, True])
def test_each_failing_operation_is_told_in_a_line_and_harms_nothing(disk, folder, kind, lasting):
    at, told = 0, 0
    while True:
        for name, content in {"whole": b"old", "lines": b"first\n"}.items():
            (folder / name).write_bytes(content)
        shutil.rmtree(folder / "deep", ignore_errors=True)
        failing = disk.Failing(at, FAULTS[kind], lasting)
        try:
            with disk.watched(folder, failing):
                written(folder)
        except UserError as error:
            told += 1
            assert "\n" not in str(error) and str(error).startswith("can't write ")
        assert (folder / "whole").read_bytes() in (b"old", b"new" * 1000)
        lines = (folder / "lines").read_bytes()
        # A disk that takes nothing any more can't be told to take back half a line either.
        assert lines in (b"first\n", b"first\nsecond\n") or (lasting and kind == "half")
        assert lasting or not list(folder.rglob(".*"))
        atomic.remove_partial_files(folder)
        if len(failing.made) <= at:
            break
        at += 1
    assert at > 15 and told in ([at - 1, at] if lasting or kind != "half" else [0])


def test_a_power_cut_leaves_the_old_content_or_the_new(disk, folder):
    cuts = _cuts(disk, folder)
    assert len(cuts) > 30 and all(cut in (b"old", b"new" * 1000) for cut in cuts)


def test_a_power_cut_tears_what_is_not_flushed(disk, folder, monkeypatch):
    """The model of the disk is one that finds what is wrong."""
    monkeypatch.setattr(atomic, "_flush", lambda path, flags=0: None)
    assert b"" in _cuts(disk, folder)


def _cuts(disk, folder) -> list[bytes]:
    """The content of `whole` after every power cut."""
    state, found = disk.Disk.of(folder), []

    def note(operation):
        answer = operation.call()
        state.make(operation)
        found.extend(outcome[folder / "whole"] for outcome in state.outcomes())
        return answer

    with disk.watched(folder, note):
        written(folder)
    assert {path: held.now for path, held in state.now.items() if held} == {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    return found


def test_a_new_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), atomic.atomic_folder(tmp_path / "a" / "run") as aside:
        (aside / "half").write_text("")
        raise RuntimeError
    assert os.listdir(tmp_path / "a") == []
    with atomic.atomic_folder(tmp_path / "a" / "run") as aside:
        (aside / "whole").write_text("")
    assert os.listdir(tmp_path / "a" / "run") == ["whole"]
    with pytest.raises(UserError, match=r"can't write .*run"), atomic.atomic_folder(tmp_path / "a" / "run"):
        pass
    assert os.listdir(tmp_path / "a" / "run") == ["whole"] and os.listdir(tmp_path / "a") == ["run"]
