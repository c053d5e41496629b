"""A new game is one file and one line; a new loss term one definition and one line."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from playing import Pictures, narrow

from sparring.build.game import GAMES, build_game, game_options
from sparring.build.overrides import recipe_flags, with_flags
from sparring.errors import UserError
from sparring.game import FunctionTerm, Game, Parts, Round, Turn, l1_per_example
from sparring.games.gan import GAN
from sparring.games.latent_gan import AugmentedGANOptions
from sparring.games.shared.methods import METHODS, Method, context_free
from sparring.games.shared.options import Count, GameContext
from sparring.losses.objectives import OBJECTIVES, Objective
from sparring.losses.penalties import PENALTIES
from sparring.recipes import GameChoice, Recipe
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SHAPE = (1, 16, 16)


class MeanImage(Turn):
    """G's mean image approaches that of the batch."""

    name, learns = "mean", ("G",)

    def __init__(self, game: GAN, every: int):
        self.game, self.every = game, every

    def loss(self, round: Round) -> Parts:
        assert isinstance(round.real, torch.Tensor) and isinstance(round.fake, torch.Tensor)
        return {"mean_image": l1_per_example(round.real.mean(0, keepdim=True), round.fake.mean(0, keepdim=True))}


@dataclass(frozen=True)
class ToyOptions(AugmentedGANOptions):
    mean_every: Count = 1

    loss_terms: ClassVar = (*AugmentedGANOptions.loss_terms, "mean_image")

    def build(self, context: GameContext) -> Game:
        G, D = self.build_generator(context), self.build_critic(context)
        game = GAN(G, D, self.build_objective(), **self.gan_arguments(context, G, D))
        game._turns.append(MeanImage(game, self.mean_every))
        return game


def two_rounds(recipe: Recipe) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    loop = Loop(build_game(recipe, SHAPE), Pictures(SHAPE), loop_settings(recipe))
    loop.round()
    return loop.round()


def test_a_game(monkeypatch):
    monkeypatch.setitem(GAMES, "toy", ToyOptions)
    recipe = narrow("dcgan")
    recipe = with_flags(type(recipe)(**{**vars(recipe), "game": GameChoice("toy")}), {"mean-every": "1", "clip": "0.1"})
    assert recipe_flags(recipe)["mean-every"] == 1 and game_options(recipe) == ToyOptions(clip=0.1)
    parts = two_rounds(with_flags(recipe, {"weight.mean_image": "2"}))
    assert set(parts) == {"critic.real", "critic.fake", "generator.generator", "mean.mean_image"}
    with pytest.raises(UserError, match="mean-every is 0: it must be 1 or more"):
        build_game(recipe.with_options(mean_every=0), SHAPE)
    with pytest.raises(UserError, match=r"plays toy, which has no mean-evry \(did you mean 'mean_every'\?\)"):
        build_game(recipe.with_options(mean_evry=2), SHAPE)


def test_a_loss_term(monkeypatch):
    calm = FunctionTerm("calm", lambda verdict: verdict.on_real.square().flatten(1).mean(1))
    monkeypatch.setitem(
        METHODS, "calm", Method("", "small logits", of_critic=(context_free(calm),), weights={"calm": 0.1})
    )
    parts = two_rounds(with_flags(narrow("dcgan"), {"methods": "calm", "weight.calm": "0.2"}))
    assert torch.isfinite(parts["critic.calm"])


def test_a_penalty(monkeypatch):
    small = FunctionTerm("small", lambda verdict: verdict.on_fake.square().flatten(1).mean(1))
    monkeypatch.setitem(PENALTIES, "small", small)
    parts = two_rounds(with_flags(narrow("dcgan"), {"penalties": "small", "weight.small": "0.2"}))
    assert torch.isfinite(parts["critic.small"])


def test_an_objective(monkeypatch):
    absolute = Objective("absolute", lambda r: (r - 1).abs(), torch.abs, lambda f: (f - 1).abs())
    monkeypatch.setitem(OBJECTIVES, "absolute", absolute)
    assert torch.isfinite(two_rounds(with_flags(narrow("dcgan"), {"objective": "absolute"}))["critic.real"])


def test_an_option_of_the_wrong_type():
    with pytest.raises(UserError, match="critic-steps is many: Input should be a valid integer"):
        game_options(narrow("dcgan").with_options(critic_steps="many"))
