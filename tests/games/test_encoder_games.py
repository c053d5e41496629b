"""Games with an encoder, against closed forms: what is drawn, what it costs, who learns what in which turn."""

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import softplus

from sparring.game import CriticOutput, Round
from sparring.games.ali import ALI
from sparring.games.encoder import kl_to_standard_normal, reparameterise
from sparring.games.shared.critic_input import CriticInput
from sparring.games.vaegan import VAEGAN
from sparring.losses.objectives import OBJECTIVES, TopK, non_saturating, relativistic, relativistic_average
from sparring.losses.paired import cycle
from sparring.losses.penalties import lipschitz, r1, squared_norm
from sparring.networks.mlp import MLPCritic
from sparring.networks.pairs import PairCritic
from sparring.priors import normal
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import Settings

X, Z, N = 5, 3, 6
LATENTS = {"z": normal(Z), "e": normal(Z)}


class Pairs(nn.Linear):
    """A linear critic of (x, z)."""

    def __init__(self):
        super().__init__(X + Z, 1)

    def forward(self, pair):  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().forward(torch.cat(pair, 1))


class Featured(nn.Module):
    """A critic that tells its features."""

    def __init__(self):
        super().__init__()
        self.f, self.logit = nn.Linear(X, 4), nn.Linear(4, 1)

    def forward(self, x):
        return CriticOutput(self.logit(self.f(x)), {"features": self.f(x)})


class Rows:
    x = torch.randn(24, X, generator=torch.Generator().manual_seed(1))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], None


def ali(objective=non_saturating, told=2 * Z, **options) -> ALI:
    torch.manual_seed(0)
    return ALI(nn.Linear(Z, X), nn.Linear(X, told), Pairs(), objective, latents=LATENTS, **options)


def vaegan(**options) -> VAEGAN:
    torch.manual_seed(0)
    return VAEGAN(nn.Linear(Z, X), nn.Linear(X, 2 * Z), Featured(), non_saturating, latents=LATENTS, **options)


def round_of(game) -> Round:
    g = torch.Generator().manual_seed(2)
    latent = {name: draw(N, (X,), g) for name, draw in LATENTS.items()}
    round = Round(torch.randn(N, X, generator=g), None, latent)
    return Round(round.real, None, latent, game.generate(round))


def gradients(game, part: torch.Tensor) -> dict[str, bool]:
    """Which players a part moves."""
    found = {}
    for name, player in game.players.items():
        slopes = torch.autograd.grad(part.mean(), list(player.parameters()), retain_graph=True, allow_unused=True)
        found[name] = any(slope is not None and slope.abs().max() > 0 for slope in slopes)
    return found


def test_the_divergence_is_that_of_gaussians():
    told = torch.randn(4, 2 * Z)
    posterior = Normal(told[:, :Z], (told[:, Z:] / 2).exp())
    torch.testing.assert_close(kl_to_standard_normal(told), kl_divergence(posterior, Normal(0.0, 1.0)).sum(1))
    assert torch.equal(kl_to_standard_normal(torch.zeros(2, 2 * Z)), torch.zeros(2))


def test_a_latent_is_told_or_drawn():
    told, e = torch.randn(4, 2 * Z), torch.randn(4, Z)
    assert torch.equal(reparameterise(told[:, :Z], e), told[:, :Z])
    torch.testing.assert_close(reparameterise(told, e), told[:, :Z] + (told[:, Z:] / 2).exp() * e)
    assert torch.equal(told[:, :Z], reparameterise(told, torch.zeros(4, Z)))


@pytest.mark.parametrize("told", [Z, 2 * Z])
def test_the_critic_sees_pairs(told):
    game = ali(told=told)
    round = round_of(game)
    verdict, (D, E, G) = game.verdict(round), (game.players[name] for name in "DEG")
    z, e = round.latent["z"], round.latent["e"]
    torch.testing.assert_close(verdict.on_real, D((round.real, reparameterise(E(round.real), e))))
    torch.testing.assert_close(verdict.on_fake, D((G(z), z)))
    assert game.averaged == ("G", "E")


def test_both_makers_want_the_sides_taken_for_each_other():
    game = ali()
    critic, makers = game.turns(0)
    round = round_of(game)
    verdict, parts = game.verdict(round), makers.loss(round)
    assert critic.learns == ("D",) and makers.learns == ("G", "E")
    torch.testing.assert_close(parts["generator"], softplus(-verdict.on_fake).squeeze(1))
    torch.testing.assert_close(parts["encoder"], softplus(verdict.on_real).squeeze(1))
    assert gradients(game, parts["generator"]) == {"G": True, "D": True, "E": False}
    assert gradients(game, parts["encoder"]) == {"G": False, "D": True, "E": True}


@pytest.mark.parametrize("objective", [relativistic, relativistic_average])
def test_an_objective_on_pairs_moves_both_makers_by_one_part(objective):
    game = ali(objective)
    parts = game.turns(0)[1].loss(round_of(game))
    assert set(parts) == {"generator"} and gradients(game, parts["generator"])["E"]


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=lambda o: o.name)
def test_a_step_of_the_encoder_fools_the_critic(objective):
    """Down its part, the real pairs look less real."""
    game = ali(objective)
    round, E = round_of(game), game.players["E"]
    before = game.verdict(round).on_real.mean()
    part = torch.stack([part.mean() for part in game.turns(0)[1].loss(round).values()]).sum()
    for p, slope in zip(E.parameters(), torch.autograd.grad(part, list(E.parameters())), strict=True):
        p.data -= 1e-3 * slope
    assert game.verdict(round).on_real.mean() < before


def test_penalties_look_at_both_of_a_pair():
    game = ali(penalties=[r1, lipschitz])
    verdict, D = game.verdict(round_of(game)), game.players["D"]
    torch.testing.assert_close(r1(verdict), D.weight.square().sum().expand(N) / 2)
    torch.testing.assert_close(squared_norm(verdict.slope_fake), D.weight.square().sum().expand(N))


def test_noise_blurs_the_examples_alone():
    game, blurred = ali(), ali(critic_input=CriticInput(lambda seen: 0.5))
    round = round_of(game)
    round.latent = {**round.latent, "noise_real": torch.ones(N, X), "noise_fake": torch.ones(N, X)}
    (x, z), (y, w) = game.verdict(round).real, blurred.verdict(round).real
    assert torch.equal(z, w)
    torch.testing.assert_close(y, x + 0.5)


def test_the_cycle_is_what_decoding_gets_wrong():
    game = ali(told=Z, generator_terms=[cycle])
    round = round_of(game)
    G, E = game.players["G"], game.players["E"]
    part = game.turns(0)[1].loss(round)["cycle"]
    torch.testing.assert_close(part, (G(E(round.real)) - round.real).square().mean(1))
    assert gradients(game, part) == {"G": True, "D": False, "E": True}


def test_vae_gan_judges_samples_and_reconstructions():
    game = vaegan()
    round = round_of(game)
    samples, reconstructions = round.fake
    G, E, D = (game.players[name] for name in "GED")
    torch.testing.assert_close(samples, G(round.latent["z"]))
    torch.testing.assert_close(reconstructions, G(reparameterise(E(round.real), round.latent["e"])))
    verdict = game.verdict(round)
    torch.testing.assert_close(verdict.on_fake, D(torch.cat([samples, reconstructions])).logits)
    torch.testing.assert_close(verdict.on_real, D(torch.cat([round.real, round.real])).logits)


def test_vae_gan_measures_errors_by_the_critics_features():
    game = vaegan()
    critic, generator, encoder = game.turns(0)
    round = round_of(game)
    f = game.players["D"].f
    error = (f(round.real) - f(round.fake[1])).square().sum(1) / 2
    parts, told = encoder.loss(round), game.players["E"](round.real)
    torch.testing.assert_close(parts["encoded"], error)
    torch.testing.assert_close(parts["kl"], kl_to_standard_normal(told))
    torch.testing.assert_close(generator.loss(round)["decoded"], error)
    assert set(generator.loss(round)) == {"generator", "decoded"} and set(critic.loss(round)) == {"real", "fake"}
    assert [turn.learns for turn in (critic, generator, encoder)] == [("D",), ("G",), ("E",)]


def test_the_encoder_of_vae_gan_learns_nothing_of_the_gan():
    """Whatever the GAN's loss weighs, E's gradient in a round is that of its own two parts."""

    def slopes(weight: float) -> list[torch.Tensor]:
        loop = Loop(vaegan(), Rows(), Settings(batch=N, weights={"generator": weight, "fake": weight, "real": weight}))
        for name in "GD":
            loop.optimisers.pop(name)  # so that E meets the same players
        loop.round()
        return [p.grad.clone() for p in loop.learners["E"]]

    for a, b in zip(slopes(0.0), slopes(10.0), strict=True):
        assert torch.equal(a, b) and a.abs().max() > 0


@pytest.mark.parametrize(
    "game",
    [
        lambda: ali(penalties=[r1, lipschitz], generator_terms=[cycle], critic_input=CriticInput(lambda seen: 0.1)),
        lambda: vaegan(penalties=[r1, lipschitz], penalty_every=2),
    ],
    ids=["ali", "vae-gan"],
)
def test_slices_change_nothing(game):
    states = []
    for slices in (1, 3):
        loop = Loop(game(), Rows(), Settings(batch=N, micro_batches=slices))
        for _ in range(3):
            loop.round()
        states.append(loop.state())
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=1e-4, atol=1e-5, msg=name)


def test_top_k_leaves_the_encoders_part_alone():
    from sparring.game import ScheduledBuffer

    game, plain = ali(TopK(non_saturating, ScheduledBuffer(lambda seen: 0.5))), ali()
    parts, whole = (g.turns(0)[1].loss(round_of(g)) for g in (game, plain))
    assert torch.equal(parts["encoder"], whole["encoder"]) and not torch.equal(parts["generator"], whole["generator"])


def test_a_critic_of_pairs_adds_what_x_alone_tells():
    torch.manual_seed(0)
    D = PairCritic(MLPCritic((X,), [7], dropout=0.0), (X,), Z, 8, 0.0)
    x, z = torch.randn(4, X), torch.randn(4, Z)
    features, alone = D.body.features_and_logits(x)
    torch.testing.assert_close(D((x, z)), alone + D.of_both(torch.cat([features, D.of_z(z)], 1)))
    assert not torch.equal(D((x, z)), D((x, z + 1)))
