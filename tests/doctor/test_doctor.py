"""`spar doctor`: what each check says of a machine that is well and of one that is not, and that none can hang."""

import json
import os
import time

import pytest
import torch
from commands import refused, spar

from sparring.doctor import installed, machine, running, working
from sparring.doctor.check import BROKEN, OK, SLOW, Check, worst
from sparring.doctor.checks import CHECKS


def hanging():
    """A registry for the other process: its second check hangs, its third one dies, its fifth one is wrong."""
    return {
        "first": (lambda: Check(OK, "well"), 1),
        "hangs": (lambda: time.sleep(600), 1),
        "dies": (lambda: os._exit(3), 1),
        "fourth": (lambda: Check(SLOW, "so", "wait"), 1),
        "wrong": (lambda: 1 / 0, 1),
    }


def test_no_check_hangs_and_none_takes_the_others_along():
    names = list(hanging())
    found = dict(running.run(hanging, names, dict.fromkeys(names, 5.0)))
    assert list(found) == names
    assert found["first"] == Check(OK, "well") and found["fourth"] == Check(SLOW, "so", "wait")
    assert found["hangs"].state == BROKEN and "no answer in 5 s" in found["hangs"].message
    assert found["dies"].state == BROKEN and "died" in found["dies"].message
    assert found["wrong"].state == BROKEN and "ZeroDivisionError" in found["wrong"].message


def test_training_here_loses_what_it_should():
    assert working.training().state == OK


def test_training_that_is_a_little_wrong_is_noticed(monkeypatch):
    monkeypatch.setattr(working, "LR", 1.05 * working.LR)
    assert working.training().state == BROKEN
    monkeypatch.setattr(working, "losses", lambda name: [{"critic.real": float("nan")}] * working.ROUNDS)
    assert working.training().state == BROKEN


def test_a_compiler_that_fails_is_told(monkeypatch):
    def failing(loss, **_):
        raise RuntimeError("no C++ compiler\nmore of it")

    monkeypatch.setattr(torch, "compile", failing)
    found = working.compiling()
    assert found.state == BROKEN and "no C++ compiler" in found.message and "\n" not in found.message and found.advice


def test_two_processes_reach_each_other():
    assert working.collective() == Check(OK, "two processes averaged a number over gloo")


def test_processes_that_do_not_reach_each_other_are_told(monkeypatch):
    monkeypatch.setattr(working, "TOGETHER", 0.05)  # not enough to start python
    found = working.collective()
    assert found.state == BROKEN and "\n" not in found.message


@pytest.mark.parametrize("free, state", [(1e8, BROKEN), (1e9, SLOW), (1e10, OK), (float("inf"), OK)])
def test_memory(free, state, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: free)
    assert machine.memory().state == state


@pytest.mark.parametrize("cores, load, state", [(1, 0, OK), (0.5, 0, OK), (1, 5, SLOW), (8, 0, SLOW)])
def test_threads(cores, load, state, monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.threads().state == state


def test_disks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "WRITTEN", 2**20)
    monkeypatch.setattr(machine, "SLOW_DISK", 0)
    assert machine.disks().state == OK
    monkeypatch.setattr(machine, "SLOW_DISK", 1e15)
    assert machine.disks().state == SLOW

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", full)
    found = machine.disks()
    assert found.state == BROKEN and "No space left" in found.message
    assert not list(tmp_path.iterdir())


def test_wrong_bf16_products_are_noticed(monkeypatch):
    monkeypatch.setattr(machine, "SIDE", 64)
    assert machine.number_formats().state in (OK, SLOW)
    monkeypatch.setattr(machine, "CLOSE", 0.0)
    assert machine.number_formats().state == BROKEN


def test_extras(monkeypatch):
    lines = ["numpy>=2.0", "pyarrow>=17; extra == 'a'", "nowhere>=1; extra == 'b'", "torch>=999; extra == 'dev'"]
    monkeypatch.setattr(installed, "requires", lambda _: lines)
    monkeypatch.setattr(installed, "_version", {"pyarrow": "18.1.0"}.get)
    monkeypatch.setattr(installed, "import_module", lambda name: None)
    assert installed.extras() == Check(OK, "a; not installed: b (pip install 'sparring[NAME]')")
    monkeypatch.setattr(installed, "_version", {"pyarrow": "9.0"}.get)
    assert installed.extras().state == BROKEN and "older than 17" in installed.extras().message

    def unfit(name):
        raise ImportError("built against another torch")

    monkeypatch.setattr(installed, "_version", {"pyarrow": "18.1.0"}.get)
    monkeypatch.setattr(installed, "import_module", unfit)
    assert "another torch" in installed.extras().message


def test_data_that_is_damaged_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path / "none"))
    assert installed.data().state == BROKEN
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    assert installed.data().state == OK and "would be downloaded" in installed.data().message
    (tmp_path / "mnist").mkdir()
    for file in installed.MNIST.pins:
        (tmp_path / "mnist" / file).write_bytes(b"short")
    assert installed.data().state == BROKEN and "damaged" in installed.data().advice


def test_the_worst_is_told_first_of_all():
    assert worst([Check(OK, "a"), Check(SLOW, "b", "c"), Check(OK, "d")]) == Check(SLOW, "a; b; d", "c")


def test_the_command(monkeypatch, capsys):
    def some(checks, names, limits):
        assert limits == {name: limit for name, (_, limit) in CHECKS.items()}
        return iter(
            [(name, Check(BROKEN, "bad", "mend it") if name == "disk" else Check(OK, "well")) for name in names]
        )

    monkeypatch.setattr(running, "run", some)
    assert spar("doctor", "--only", "memory") == 0
    assert "memory     ok      well" in capsys.readouterr().out
    assert spar("doctor", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told["checks"]) == list(CHECKS) and told["broken"] and told["checks"]["disk"]["advice"] == "mend it"
    assert "no check 'dick' (did you mean 'disk'?)" in refused(capsys, "doctor", "--only", "dick")
