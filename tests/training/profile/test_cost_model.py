import json
import math

import pytest

from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.commands.cli import main
from sparring.errors import UserError
from sparring.recipes import RECIPES
from sparring.training.profile.cost_model import Cost, Interconnect, averaged, fit_interconnect, weak_scaling
from sparring.training.profile.forecast import recipe_round_time


def test_an_all_reduce_passes_the_ring_and_climbs_the_tree():
    link = Interconnect(bandwidth=1e9, latency=1e-5)
    assert link.seconds(1e9, 2) == pytest.approx(1 + 2e-5)
    assert link.seconds(1e9, 1024) == pytest.approx(2 * 1023 / 1024 + 20e-5)
    assert link.seconds(0, 8) == pytest.approx(6e-5)
    assert link.seconds(1e9, 1) == 0


def test_a_round_waits_for_the_slower_of_compute_and_data():
    fast, slow = (Cost(0.1, 64, ((1e8, 1.0), (1e8, 0.25)), rate) for rate in (math.inf, 64.0))
    link = Interconnect(1e9, 0.0)
    assert fast.seconds(1, link) == 0.1 and fast.seconds(2, link) == pytest.approx(0.1 + 0.125)
    assert slow.seconds(2, link) == 1.0
    one, two = weak_scaling(fast, link, [1, 2])
    assert one.efficiency == 1 and two.efficiency == pytest.approx(0.1 / 0.225)
    assert two.batch == 128 and two.images_per_second == pytest.approx(128 / 0.225)


def test_a_link_is_found_again_from_what_it_takes():
    link = Interconnect(3e9, 4e-5)
    told = [(size, n, link.seconds(size, n)) for size in (1e3, 1e5, 1e7) for n in (2, 4, 8)]
    found = fit_interconnect(told)
    assert found.bandwidth == pytest.approx(3e9) and found.latency == pytest.approx(4e-5)
    with pytest.raises(ValueError, match="at least two sizes"):
        fit_interconnect(told[:1])


def test_what_a_game_averages_is_its_learners_gradients():
    game = build_game(RECIPES["dcgan"], (3, 64, 64))
    D, G, kept = averaged(game)
    for (size, often), player in zip((D, G), "DG", strict=True):
        assert size == 4 * sum(p.numel() for p in game.players[player].parameters()) and often == 1
    assert kept[0] == 4 * sum(b.numel() for b in game.buffers() if b.is_floating_point())
    five = averaged(build_game(RECIPES["wgan-gp"], (3, 32, 32)))
    assert five[0][1] == 5


@pytest.mark.parametrize("recipe", ["dcgan", "pix2pix", "cyclegan", "stargan", "upscale"])
def test_a_round_of_any_recipe_of_pictures_is_measured(recipe, monkeypatch):
    monkeypatch.setattr("sparring.training.tuning.round_time.WARM", 0)
    monkeypatch.setattr("sparring.training.tuning.round_time.TIMED", 1)
    small = with_flags(RECIPES[recipe], {"generator.width": "8", "critic.width": "8"})
    assert recipe_round_time(small, (3, 32, 32), 2, 10 if small.conditional else 0) > 0


def test_the_command_tells_it(capsys):
    words = ["bench", "scaling", "dcgan", "--gpus", "1,8,64", "--bandwidth", "25", "--step", "40"]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--json"])
    assert stop.value.code == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["processes"] for row in rows] == [1, 8, 64] and rows[0]["seconds"] == 0.04
    assert 0.9 < rows[2]["efficiency"] < rows[1]["efficiency"] < 1
    for bad, told in (
        (["--gpus", "8,x"], "8,64,1024"),
        (["--bandwidth", "0"], "bandwidth is 0"),
        (["--shape", "3x64"], "3x64x64"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*words, *bad])
        assert stop.value.code == 2 and told in capsys.readouterr().err
    with pytest.raises(UserError, match="latency"):
        weak_scaling(Cost(1, 1, ()), Interconnect(1, -1), [2])
