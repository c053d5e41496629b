"""The two-player game: its turns, their loss terms, and the inputs of both players."""

import pytest
import torch
from torch import nn

from sparring.augment import Adaptive, Augment
from sparring.game import CriticOutput, FunctionTerm, Round, ScheduledBuffer, Verdict
from sparring.games.gan import GAN
from sparring.games.shared.critic_input import CriticInput
from sparring.losses.objectives import TopK, non_saturating, relativistic_average, wasserstein
from sparring.losses.penalties import dragan, lipschitz, r1
from sparring.losses.running import LeCam
from sparring.priors import normal

X, FAKE, Z = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[3.0, 0.5], [2.0, 2.0]]), torch.zeros(2, 3)


def gan(objective=wasserstein, penalties=(), **options) -> GAN:
    torch.manual_seed(0)
    return GAN(nn.Linear(3, 2), nn.Linear(2, 1), objective, penalties, latents={"z": normal(3)}, **options)


def parts(turn, latent=None, condition=None) -> set[str]:
    return set(turn.loss(Round(X, condition, latent or {"z": Z, "eps": torch.rand(2)}, FAKE)))


def term(name: str, **options) -> FunctionTerm:
    return FunctionTerm(name, lambda v: v.on_fake.mean(1), **options)


def test_critic_then_generator_with_their_loss_terms():
    game = gan(penalties=[r1, lipschitz], critic_terms=[term("c")], generator_terms=[term("g")],
               generator_penalties=[term("p")])  # fmt: skip
    critic, generator = game.turns(0)
    assert (critic.name, critic.learns, generator.name, generator.learns) == ("critic", ("D",), "generator", ("G",))
    assert parts(critic) == {"real", "fake", "r1", "lipschitz", "c"} and parts(generator) == {"generator", "g", "p"}
    assert (critic.times, critic.resample, generator.resample) == (1, False, False)
    assert not critic.coupled and not generator.coupled
    assert set(critic.draws) == {"eps"} and set(generator.draws) == set()


def test_several_critic_steps_resample():
    critic, generator = gan(critic_steps=5).turns(0)
    assert (critic.times, critic.resample, generator.resample) == (5, True, False)
    critic, generator = gan(resample_each_turn=True).turns(0)
    assert (critic.times, critic.resample, generator.resample) == (1, True, True)


def test_lazy_penalties_have_their_own_turns():
    game = gan(penalties=[r1], penalty_every=16, generator_penalties=[term("p")], generator_penalty_every=4)
    critic, smooth, generator, other = game.turns(0)
    assert parts(critic) == {"real", "fake"} and parts(generator) == {"generator"}
    assert (smooth.name, smooth.learns, smooth.every) == ("smooth", ("D",), 16) and parts(smooth) == {"r1"}
    assert (other.name, other.learns, other.every) == ("smooth_generator", ("G",), 4) and parts(other) == {"p"}
    assert (critic.every, generator.every) == (1, 1)


def test_no_lazy_turn_without_penalties():
    assert [turn.name for turn in gan(penalty_every=16, generator_penalty_every=4).turns(0)] == ["critic", "generator"]
    steady = gan(penalties=[r1], penalty_every=1, generator_penalties=[term("p")], generator_penalty_every=1)
    assert [turn.name for turn in steady.turns(0)] == ["critic", "generator"]


@pytest.mark.parametrize(
    ("objective", "options", "expected"),
    [
        (wasserstein, {}, (False, False)),
        (relativistic_average, {}, (True, True)),
        (TopK(wasserstein, ScheduledBuffer(lambda seen: 1.0)), {}, (True, True)),
        (wasserstein, {"critic_terms": [term("c", coupled=True), term("d")]}, (True, False)),
        (wasserstein, {"generator_terms": [term("g"), term("h", coupled=True)]}, (False, True)),
    ],
)
def test_a_turn_is_coupled_if_its_objective_or_a_term_is(objective, options, expected):
    assert tuple(turn.coupled for turn in gan(objective, **options).turns(0)) == expected


def test_scheduled_buffers_follow_the_images_seen():
    share = ScheduledBuffer(lambda seen: 1 - seen / 100)
    game = gan(TopK(non_saturating, share), critic_input=CriticInput(lambda seen: seen / 10))
    game.turns(25)
    assert share.value.item() == 0.75 and game.critic_input.sigma.value.item() == 2.5


def test_stateful_terms_get_the_notes_of_their_turn():
    lecam = LeCam(decay=0.5)
    game = gan(critic_terms=[lecam])
    assert [*game.stateful_terms] == [lecam]
    critic, generator = game.turns(0)
    round = Round(X, None, {"z": Z}, FAKE)
    critic.loss(round)
    D = game.players["D"]
    assert torch.equal(round.notes["lecam"], torch.cat([D(X), D(FAKE)], 1))
    generator.after(round.notes)
    assert not lecam.alpha.any()
    critic.after(round.notes)
    torch.testing.assert_close(lecam.alpha, 0.5 * torch.cat([D(X).mean(0), D(FAKE).mean(0)]).detach())


def test_an_adaptive_probability_is_a_term_of_the_critic():
    adaptive = Adaptive()
    critic_input = CriticInput(augment=Augment(["brighten"], adaptive))
    critic, generator = gan(critic_input=critic_input).turns(0)
    assert [t.name for t in critic.terms] == ["r_t"] and generator.terms == []
    fixed = CriticInput(augment=Augment(["brighten"], ScheduledBuffer(lambda seen: 0.5)))
    assert gan(critic_input=fixed).turns(0)[0].terms == []


class Recorder(nn.Module):
    """Records its inputs."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.ones(())), []

    def forward(self, x, *condition):
        self.seen.append((x, *condition))
        return self.weight * x[:, :1]


@pytest.mark.parametrize("conditional", [True, False])
def test_both_players_get_the_condition_if_the_game_is_conditional(conditional):
    G, D, y = Recorder(), Recorder(), torch.tensor([1, 0])
    game = GAN(G, D, wasserstein, latents={"z": normal(2)}, conditional=conditional)
    game.generate(Round(X, y, {"z": Z}))
    v = game.verdict(Round(X, y, {"z": Z}, FAKE))
    assert v.on_real.shape == (2, 1) and v.condition is y
    for seen in (G.seen[0], D.seen[0]):
        assert len(seen) == 1 + conditional and (not conditional or seen[1] is y)
    game.generate(Round(X, None, {"z": Z}))
    assert len(G.seen[-1]) == 1 and game.verdict(Round(X, None, {"z": Z}, FAKE)).condition is None


def test_another_critic_can_replace_d():
    game = gan()
    other = lambda sample: CriticOutput(10 * sample[:, :1], {})  # noqa: E731
    v = game.verdict(Round(X, None, {"z": Z}, FAKE), game.critic(Round(X, None, {"z": Z}), other))
    assert torch.equal(v.on_real, 10 * X[:, :1])


def test_regenerate_replaces_latents():
    """With the round's noise, in packs; other latents stay."""
    torch.manual_seed(0)
    G = nn.Linear(3, 2)
    game = GAN(
        G, nn.Linear(4, 1), wasserstein, latents={"z": normal(3)}, critic_input=CriticInput(lambda seen: 2.0, pack=2)
    )
    z, noise = torch.randn(2, 3), torch.randn(2, 2)
    latent = {"z": Z, "noise_real": torch.zeros(2, 2), "noise_fake": noise}
    v = game.verdict(Round(X, torch.tensor([4, 5]), latent, FAKE))
    torch.testing.assert_close(v.regenerate({"z": z}), (G(z) + 2 * noise).view(1, 4))
    torch.testing.assert_close(v.regenerate({}), (G(Z) + 2 * noise).view(1, 4))
    torch.testing.assert_close(v.fake, (FAKE + 2 * noise).view(1, 4))
    assert torch.equal(v.real, X.view(1, 4)) and v.condition.tolist() == [[4, 5]]
    assert (
        v.latent is latent and torch.equal(v.draws["z"], Z[:1]) and torch.equal(v.draws["noise_fake"], noise.view(1, 4))
    )


def test_only_the_critics_weights_are_clipped():
    game = gan(clip=0.1)
    with torch.no_grad():
        for p in game.players.parameters():
            p.copy_(torch.linspace(-1, 1, p.numel()).view_as(p) + 0.05)
        game.turns(0)[0].after({})
    assert game.players["D"].weight.tolist() == [pytest.approx([-0.1, 0.1])]
    assert game.players["G"].weight.abs().max() > 1
    unclipped = gan()
    before = unclipped.players["D"].weight.clone()
    unclipped.turns(0)[0].after({})
    assert torch.equal(unclipped.players["D"].weight, before)


def test_penalties_add_their_draws():
    critic, _ = gan(penalties=[dragan, lipschitz]).turns(0)
    assert set(critic.draws) == {"eps", "delta"}
    assert isinstance(gan().verdict(Round(X, None, {"z": Z}, FAKE)), Verdict)
