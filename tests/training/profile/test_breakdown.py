"""Where a round's time goes: parts without the parts inside them, and operations counter against closed forms."""

import json

import pytest
import torch
from commands import refused, spar

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.recipes import get_recipe
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings
from sparring.training.profile.breakdown import OpCounter, Section, SectionTimer, breakdown
from sparring.training.profile.forecast import RandomImages
from sparring.training.profile.roofline import Roofline
from sparring.training.tuning.round_time import round_kinds, round_time

pytestmark = pytest.mark.usefixtures("quick_judge")


def test_a_part_is_without_the_parts_inside_it():
    now = iter((0, 1, 4, 10, 20, 23))
    meter = SectionTimer(lambda: next(now))
    with meter("outer"), meter("inner"):
        pass
    with meter("inner"):
        pass
    assert meter.increase == {"inner": 3 + 3, "outer": 10 - 3}


def test_operations_are_counted():
    a, b, table = torch.ones(3, 5), torch.ones(5, 7), torch.ones(1000, 4)
    with OpCounter() as counter:
        a @ b
    assert (counter.flops, counter.bytes) == (2 * 3 * 5 * 7, 4 * (3 * 5 + 5 * 7 + 3 * 7))
    with OpCounter() as counter:
        table[torch.tensor([1, 2])].view(8)
    assert counter.flops == 0 and counter.bytes == 2 * 4 * 2 * 4


def test_the_parts_of_a_round():
    recipe = with_flags(get_recipe("mlp-gan"), {"generator.widths": "8", "critic.widths": "8", "batch": "16"})
    loop = Loop(
        build_game(recipe, (1, 4, 4)), RandomImages(64, (1, 4, 4), 0, torch.device("cpu")), loop_settings(recipe)
    )
    parts = breakdown(loop, 3)
    assert set(parts) == {"data", "fakes", "critic", "generator", "optimisers", "average", "the rest"}
    D, G = 16 * 8 + 8, 100 * 8 + 8 * 16  # multiplications an example
    flop = 2 * 16 * 1e-9
    # Forward and weights' gradients of real and fake, and the hidden layer's own.
    assert parts["critic"].gflop == pytest.approx(flop * 2 * (2 * D + 8))
    assert parts["fakes"].gflop == pytest.approx(flop * 2 * G)  # `fresh`: once for each turn
    assert parts["optimisers"].gflop == 0 < parts["optimisers"].gigabytes
    assert all(part.seconds > 0 for part in parts.values())


def lazy(every: int) -> Loop:
    """A penalty in every so-manieth round."""
    numbers = {"generator.widths": "8", "critic.widths": "8", "batch": "16", "penalties": "r1"}
    recipe = with_flags(get_recipe("mlp-gan"), numbers | {"penalty-every": str(every)})
    return Loop(
        build_game(recipe, (1, 4, 4)), RandomImages(64, (1, 4, 4), 0, torch.device("cpu")), loop_settings(recipe)
    )


def test_a_lazy_turn_counts_for_the_share_of_rounds_it_is_played_in():
    assert [(kind.first, kind.cycle, kind.share) for kind in round_kinds(lazy(4))] == [(0, 4, 0.25), (1, 4, 0.75)]
    seldom, often = breakdown(lazy(4), 1)["smooth"].gflop, breakdown(lazy(2), 5)["smooth"].gflop
    assert 0 < 2 * seldom == pytest.approx(often)


def test_a_forecast_counts_lazy_turns_for_their_share(monkeypatch):
    """By a clock on which a round takes a second, and four more with its penalty."""
    spent = [0.0]

    def round(loop):
        spent[0] += 5.0 if loop.rounds % 4 == 0 else 1.0

    monkeypatch.setattr("sparring.training.tuning.round_time.synchronised_time", lambda device: spent[0])
    monkeypatch.setattr(Loop, "round", round)
    assert round_time(lazy(4)) == pytest.approx(1 + 4 / 4)


def test_the_floor_is_of_what_takes_longer():
    part = Section(seconds=1, gflop=10, gigabytes=1)
    assert part.floor(Roofline(100, 100)) == pytest.approx(0.1) and part.floor(Roofline(100, 2)) == pytest.approx(0.5)


def test_the_command(capsys):
    words = ["--generator.width=8", "--critic.width=8", "--images", "640", "--rounds", "2", "--threads", "1"]
    assert spar("bench", "step", "wgan-gp", "--data", "digits", *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"]["penalties"]["gigabytes"] > 0 and told["parts"]["reports"]["seconds"] > 0
    assert told["limits"]["gflops"] > 0 and told["config"]["recipe"]["generator"]["numbers"]["width"] == 8
    assert spar("bench", "step", "dcgan", *words) == 0
    assert "of its best" in capsys.readouterr().out


def test_bad_words_are_refused(capsys):
    assert "rounds is 0: it must be 1 or more" in refused(capsys, "bench", "step", "--rounds", "0")
    assert "batchh" in refused(capsys, "bench", "step", "dcgan", "--batchh", "3")
