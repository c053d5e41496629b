"""The number format of a run: chosen by timing rounds, once, and part of the run from then on."""

import json

import pytest
import torch

import sparring
from sparring.recipes import get_recipe
from sparring.training.loop import precision
from sparring.training.run import machine_settings
from sparring.training.tuning import machine, timing_cache

CPU = torch.device("cpu")
UNITS = {"avx512_bf16": True}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """One with units for bf16, and nothing in its cache."""
    monkeypatch.setattr(timing_cache, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: UNITS)


def seconds(monkeypatch, **by_format):
    """Rounds take so long."""
    monkeypatch.setattr(machine, "round_time", lambda loop, *_: by_format[loop])


def chosen(recipe="dcgan"):
    return machine.faster_precision(get_recipe(recipe), (1, 8, 8), CPU, str)


@pytest.mark.parametrize(("half", "taken"), [(0.5, "bf16"), (0.95, "fp32"), (2.0, "fp32")])
def test_bf16_is_taken_where_it_is_worth_its_digits(monkeypatch, half, taken):
    seconds(monkeypatch, fp32=1.0, bf16=half)
    assert chosen() == taken


def test_what_is_timed_once_is_known(monkeypatch):
    seconds(monkeypatch, fp32=1.0, bf16=0.5)
    assert chosen() == "bf16"
    seconds(monkeypatch, fp32=1.0, bf16=2.0)
    assert chosen() == "bf16" and chosen("hinge") == "fp32"


def test_only_a_cpu_with_units_for_it_is_timed(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    seconds(monkeypatch)
    assert precision.precision("auto", CPU) == chosen() == "fp32"


@pytest.mark.usefixtures("quick_judge")
def test_a_run_records_its_format_and_resumes_with_it(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "round_time", lambda loop, *_: 1.0 if loop.settings.autocast is None else 0.5)
    monkeypatch.setattr(machine_settings, "measure_choices", lambda loop: machine.MachineChoices())
    options = {"images": 128, "reports": 2, "threads": 1, "device": "cpu"}

    def played(name):
        run = sparring.train("dcgan", "digits", tmp_path / name, minutes=1e-9, **options)
        return run.loop.settings.autocast, json.loads((tmp_path / name / "run.json").read_text())["config"]["precision"]

    assert played("short") == (None, "fp32")  # not worth the timing
    monkeypatch.setattr(machine_settings, "MIN_ROUNDS", 1)
    assert played("long") == (torch.bfloat16, "bf16")
    monkeypatch.setattr(machine_settings, "faster_precision", lambda *_: pytest.fail("timed again"))
    assert sparring.resume(tmp_path / "long").loop.settings.autocast == torch.bfloat16
