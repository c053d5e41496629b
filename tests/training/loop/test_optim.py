"""Averages, schedules, corrections, precision: against closed forms."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from sparring.api import configure
from sparring.errors import UserError
from sparring.game import Game, Turn
from sparring.modalities.registry import MODALITIES
from sparring.networks.layers.blocks import spectral_norm
from sparring.recipes import RECIPES
from sparring.rng import EpochPermutation
from sparring.schedules import Cosine, Linear, at, parse_schedule
from sparring.training.loop import precision as machine
from sparring.training.loop.ema import EMA
from sparring.training.loop.optim import Adam, correction, optimiser_state, restore_optimiser


def one_weight(value=0.0):
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return Game({"G": nn.Sequential(layer, nn.BatchNorm1d(1))}, {})


def test_the_average_forgets_half_in_a_half_life():
    game = one_weight(0.0)
    ema = EMA(game, half_life=1000, ramp=0)
    nn.init.ones_(game.players["G"][0].weight)
    for i in range(10):
        ema.update(100 * (i + 1), 100)
    assert float(ema.players["G"][0].weight) == pytest.approx(0.5, rel=1e-6)


def test_the_ramp_forgets_the_start_sooner():
    def after(ramp):
        game = one_weight(0.0)
        ema = EMA(game, half_life=10_000, ramp=ramp)
        nn.init.ones_(game.players["G"][0].weight)
        ema.update(1000, 100)
        return float(ema.players["G"][0].weight)

    assert after(0.05) == pytest.approx(1 - 0.5 ** (100 / 50)) and after(0) == pytest.approx(1 - 0.5 ** (100 / 10_000))


def test_no_half_life_keeps_the_last_weights_and_buffers_are_copied():
    game = one_weight(0.0)
    ema = EMA(game, half_life=0)
    nn.init.constant_(game.players["G"][0].weight, 3.0)
    game.players["G"][1].running_mean.fill_(7.0)
    ema.update(100, 100)
    assert float(ema.players["G"][0].weight) == 3 and float(ema.players["G"][1].running_mean) == 7


def test_schedules():
    assert at(0.3, 10**9) == 0.3
    line, wave = Linear(1.0, 0.0, 100), Cosine(2.0, 1.0, 100)
    assert [at(line, s) for s in (0, 25, 100, 900)] == pytest.approx([1, 0.75, 0, 0])
    assert [at(wave, s) for s in (0, 50, 100, 900)] == pytest.approx([2, 1.5, 1, 1])
    assert at(wave, 25) == pytest.approx(1 + (1 + math.cos(math.pi / 4)) / 2)


def test_a_schedule_of_the_whole_run_is_over_its_images():
    recipe = replace(RECIPES["dragan"], lr=Cosine(2.0, 1.0), weights={"dragan": Linear(10, 0), "r1": Linear(1, 0, 7)})
    assert at(recipe.lr, 10**9) == 2  # until it is known how long a run is
    run = recipe.with_horizon(400)
    assert run.lr == Cosine(2.0, 1.0, 400) and run.weights == {"dragan": Linear(10, 0, 400), "r1": Linear(1, 0, 7)}
    configured = configure(recipe, "digits", images=400).recipe  # its game has all options
    assert replace(configured, game=run.game) == run == run.with_horizon(900)


def test_lazy_turns_leave_the_effective_step_alone():
    class Main(Turn):
        learns, times = ("D",), 1

    class Lazy(Main):
        every = 16

    assert correction("D", [Main(), Lazy()]) == pytest.approx(16 / 17)
    assert correction("D", [Main()]) == 1 and correction("G", [Main()]) == 1
    adam = Adam(Linear(1e-3, 0.0, 100), 0.5, Cosine(0.9, 0.99, 100))
    optimiser = adam.build([nn.Parameter(torch.zeros(2))])
    adam.adjust(optimiser, 50, 16 / 17)
    group = optimiser.param_groups[0]
    assert group["lr"] == pytest.approx(5e-4 * 16 / 17)
    assert group["betas"] == pytest.approx((0.5 ** (16 / 17), 0.945 ** (16 / 17)))


def test_an_optimiser_goes_through_flat_tensors():
    def new():
        p = nn.Parameter(torch.ones(3))
        return p, Adam().build([p])

    (p, first), (q, second) = new(), new()
    p.grad = torch.tensor([1.0, -2.0, 0.5])
    first.step()
    second.step()
    q.data.copy_(p.data)
    restore_optimiser(second, {k: v.clone() for k, v in optimiser_state(first).items()})
    p.grad = q.grad = torch.tensor([0.3, 0.3, 0.3])
    first.step()
    second.step()
    assert torch.equal(p, q)


def test_an_order_is_whole_epochs_without_end():
    order = EpochPermutation(10, 4, seed=1)
    drawn = torch.cat([order(k) for k in range(5)])
    assert sorted(drawn[:10].tolist()) == sorted(drawn[10:].tolist()) == list(range(10))
    assert drawn[:10].tolist() != drawn[10:].tolist()
    assert torch.equal(EpochPermutation(10, 4, seed=1)(3), drawn[12:16]) and not torch.equal(
        EpochPermutation(10, 4, seed=2)(0), drawn[:4]
    )
    assert len(EpochPermutation(3, 8, seed=0)(0)) == 8


def test_spectral_norm_tends_to_the_largest_singular_value():
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(3, 6, 3))
    for _ in range(100):
        for module in layer.modules():
            if hasattr(module, "after_step"):
                module.after_step()
    assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1, rel=1e-4)
    layer(torch.randn(1, 3, 5, 5)).sum().backward()
    original = layer.parametrizations.weight.original
    assert torch.dot(original.grad.flatten(), original.flatten()).abs() < 1e-3  # scaling W changes nothing


def test_devices_and_precisions(monkeypatch):
    assert machine.precision("auto", torch.device("cpu")) in machine.PRECISIONS
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert machine.precision("auto", torch.device("cpu")) == "auto"
    assert machine.precision("auto", torch.device("cpu"), MODALITIES["point"].bf16_suffices) == "fp32"
    assert machine.device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="no device 'tpu'"):
        machine.device("tpu")
    with pytest.raises(UserError, match="no precision 'fp8'"):
        machine.precision("fp8", torch.device("cpu"))


def test_schedules_as_text():
    assert parse_schedule("3e-4") == 3e-4
    assert parse_schedule("0.1:0:200") == Linear(0.1, 0.0, 200) and parse_schedule("cosine:1:0.5:10") == Cosine(
        1.0, 0.5, 10
    )
    assert parse_schedule("1:2") == Linear(1, 2) and parse_schedule("cosine:1:2") == Cosine(1, 2)
    for text in ("a", "1:", "1:2:0", "1:2:3:4", "sine:1:2:3", "1:2:3.5"):
        with pytest.raises(ValueError):
            parse_schedule(text)


def test_moments_come_back_in_the_order_of_their_weights():
    """A fused step pairs numbers as they lie in memory; files keep them in the order of their indices."""

    def step(layer, optimiser):
        optimiser.zero_grad()
        layer(x).square().sum().backward()
        optimiser.step()

    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 4)
    layer = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = Adam(lr=0.1).build([*layer.parameters()])
    step(layer, optimiser)
    other = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    other.load_state_dict(layer.state_dict())
    resumed = Adam(lr=0.1).build([*other.parameters()])
    restore_optimiser(
        resumed,
        {
            name: value.clone(memory_format=torch.contiguous_format)
            for name, value in optimiser_state(optimiser).items()
        },
    )
    for _ in range(2):
        step(layer, optimiser), step(other, resumed)
    assert torch.equal(layer.weight, other.weight)


def test_the_correction_counts_moves_a_round():
    """5 moves of every round, 2 of every fourth: 5 / (5 + 2/4)."""

    class Main(Turn):
        learns, times = ("D", "E"), 5

    class Lazy(Turn):
        learns, times, every = ("D",), 2, 4

    assert correction("D", [Main(), Lazy()]) == pytest.approx(5 / 5.5)
    assert correction("E", [Main(), Lazy()]) == 1
    assert correction("D", [Main(), Main(), Lazy()]) == pytest.approx(10 / 10.5)
    assert correction("D", [Lazy()]) == 1  # nothing steady to keep up with


def test_adam_starts_at_its_schedules_and_follows_them():
    adam = Adam(Linear(1.0, 0.0, 100), Linear(0.5, 0.9, 100), 0.99, 1e-3)
    optimiser = adam.build([nn.Parameter(torch.zeros(2))])
    group = optimiser.param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (1.0, (0.5, 0.99), 1e-3)
    adam.adjust(optimiser, 50, 1.0)
    assert group["lr"] == pytest.approx(0.5) and group["betas"] == (pytest.approx(0.7), 0.99)
    assert Adam() == Adam(2e-4, 0.5, 0.999, 1e-8)


def test_the_half_life_is_the_ramp_only_while_that_is_shorter():
    def weight(half_life, seen, batch=100, **ramp):
        game = one_weight(0.0)
        ema = EMA(game, half_life, **ramp)
        assert not any(p.requires_grad for p in ema.players.parameters()) and not ema.players.training
        nn.init.ones_(game.players["G"][0].weight)
        ema.update(seen, batch)
        return float(ema.players["G"][0].weight)

    assert weight(1000, 10_000) == pytest.approx(1 - 0.5 ** (100 / 500))  # .05 of the images seen
    assert weight(1000, 40_000) == pytest.approx(1 - 0.5 ** (100 / 1000))
    assert weight(1000, 10_000, ramp=0.02) == pytest.approx(1 - 0.5 ** (100 / 200))
    assert weight(Linear(1000, 200, 100), 40_000) == pytest.approx(1 - 0.5 ** (100 / 200))
    assert weight(1000, 0) == 1
    assert weight(1.0, 10_000, batch=1) == pytest.approx(0.5)
