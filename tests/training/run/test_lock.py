"""One process at a time: refused while the owner lives, free when it is dead, however it died."""

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest

from sparring.errors import UserError
from sparring.training.run.lock import exclusive

HOLD = "import sys, time; sys.path[:] = {path}; from pathlib import Path; from sparring.training.run import lock\n"
HOLD += "with lock.exclusive(Path({run!r})): print('held', flush=True); time.sleep(60)"


def test_a_second_is_refused_and_told_whose_it_is(tmp_path):
    with exclusive(tmp_path):
        owner = json.loads((tmp_path / "lock").read_text())
        assert owner["pid"] == os.getpid()
        with (
            pytest.raises(UserError, match=rf"by process {os.getpid()} on {owner['host']} since \d"),
            exclusive(tmp_path),
        ):
            pass
    assert list(tmp_path.iterdir()) == []
    with exclusive(tmp_path):
        pass


def test_a_killed_owners_lock_is_taken_over_and_its_leavings_swept(tmp_path):
    program = HOLD.format(path=sys.path, run=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"by process {owner.pid} on "), exclusive(tmp_path):
            pass
        owner.kill()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / f".last.safetensors.{owner.pid}.part").write_text("half")
    assert (tmp_path / "lock").exists()
    with exclusive(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert [path.name for path in tmp_path.rglob("*")] == ["model"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_an_owner_who_has_not_said_its_name_holds_all_the_same(tmp_path, content):
    with exclusive(tmp_path):
        (tmp_path / "lock").write_text(content)
        with pytest.raises(UserError, match="by another process"), exclusive(tmp_path):
            pass


def test_a_file_system_without_locks_is_told_of(tmp_path, monkeypatch, capsys):
    def flock(file, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with exclusive(tmp_path):
        pass
    assert "can't be locked" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written(tmp_path):
    with pytest.raises(UserError, match=r"can't write .*lock"), exclusive(tmp_path / "nowhere"):
        pass
