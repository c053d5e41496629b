"""Verdicts, rounds, terms and scheduled buffers."""

import pytest
import torch
from torch import nn

from sparring.game import (
    CriticOutput,
    FunctionTerm,
    Game,
    Round,
    ScheduledBuffer,
    Turn,
    Verdict,
    map_sample,
)

X, Y = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[0.5, 0.0], [-2.0, 4.0]])


def square(x):
    """D(x) = Σ x², whose gradient is 2x."""
    return CriticOutput(x.square().sum(1, keepdim=True), {"features": 3 * x})


def test_map_sample_maps_every_tensor():
    assert torch.equal(map_sample(torch.neg, X), -X)
    assert [x.tolist() for x in map_sample(torch.neg, (X, Y))] == [(-X).tolist(), (-Y).tolist()]


def test_slopes_and_logits_of_each_side():
    calls = []

    def critic(x):
        calls.append(x)
        return square(x)

    transforms = {"fake": lambda x: 2 * x}
    v = Verdict(critic, X, Y, transforms=transforms)
    assert torch.equal(v.slope_fake, 8 * Y) and torch.equal(v.slope_real, 2 * X)
    assert v.slope_fake is v.slope_fake and len(calls) == 2
    assert torch.equal(v.on_real, square(X).logits) and torch.equal(v.on_fake, square(2 * Y).logits)
    assert torch.equal(v.output_fake.extras["features"], 6 * Y) and len(calls) == 2
    assert torch.equal(v.slope(Y), 2 * Y)  # seen like the real ones
    assert torch.equal(v.forward(Y, "fake").logits, square(2 * Y).logits)
    assert torch.equal(v.forward(Y).logits, square(Y).logits)


def test_logits_are_computed_once():
    calls = []
    v = Verdict(lambda x: calls.append(x) or x, X, Y)
    assert v.on_real is v.on_real and v.on_fake is v.on_fake
    assert calls[0] is X and calls[1] is Y and len(calls) == 2


@pytest.mark.parametrize(
    ("dtype", "promoted"),
    [(torch.float16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_logits_are_in_float32_or_better(dtype, promoted):
    output = Verdict(lambda x: CriticOutput(x.to(dtype), {"features": x.to(dtype)}), X, Y).output_real
    assert output.logits.dtype == promoted and output.extras["features"].dtype == dtype
    assert Verdict(lambda x: x.to(dtype), X, Y).output_real.extras == {}


def test_latents_default_to_the_draws():
    draws, latent = {"z": X}, {"z": Y}
    assert Verdict(square, X, Y, draws).latent is draws
    v = Verdict(square, X, Y, draws, X, latent, lambda latent: latent["z"])
    assert v.latent is latent and v.draws is draws and v.condition is X and v.regenerate({"z": Y}) is Y
    assert Verdict(square, X, Y).draws == {}
    with pytest.raises(RuntimeError, match="this verdict has no generator"):
        Verdict(square, X, Y).regenerate({})


def test_a_round_without_a_fake_raises():
    with pytest.raises(RuntimeError, match="uses_fake"):
        _ = Round(X, None, {}).fake
    assert Round(X, None, {}, Y).fake is Y


def test_a_function_term_has_no_state():
    term = FunctionTerm("sum", lambda v: v.real.sum(1))
    v = Verdict(square, X, Y)
    assert term(v).tolist() == [3, 2] and term.notes(v) == {} and not term.coupled and term.draws == {}
    term.after({})


def test_scheduled_buffer_follows_its_schedule():
    buffer = ScheduledBuffer(lambda seen: 1 + seen / 4)
    assert buffer.state_dict()["value"].item() == 1
    buffer.update(6)
    assert buffer.value.item() == 2.5


def test_defaults_of_turns_and_games():
    turn, game = Turn(), Game({"G": nn.Linear(1, 1)}, {})
    assert (turn.times, turn.every, turn.resample, turn.uses_fake, turn.group_size, turn.coupled) == (
        1,
        1,
        False,
        True,
        1,
        False,
    )
    assert game.generators == game.averaged == ("G",) and game.frozen == frozenset()
    round = Round(X, None, {})
    assert game.preprocess_round(round) is round and game.verdict(round) is None
