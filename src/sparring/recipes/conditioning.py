"""The ways in which a critic meets the class of an example. The dict is the registry."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.errors import UserError
from sparring.game import Opinion, Term, Verdict
from sparring.networks.labels import AuxiliaryCritic, LabelledCritic, ProjectionCritic
from sparring.networks.layers import LayeredCritic
from sparring.recipes.base import Network, Shape


@dataclass(frozen=True)
class Conditioning:
    critic: Callable[[Network, Shape, int], nn.Module]
    """Of a network, for examples of this shape and so many classes."""
    critic_terms: tuple[Term, ...] = ()
    generator_terms: tuple[Term, ...] = ()


def _labelled(network: Network, shape: Shape, classes: int) -> nn.Module:
    return LabelledCritic(network.build((shape[0] + classes, *shape[1:])), classes)


def _auxiliary(network: Network, shape: Shape, classes: int) -> nn.Module:
    return AuxiliaryCritic(_layered(network, shape), shape, classes)


def _projection(network: Network, shape: Shape, classes: int) -> nn.Module:
    return ProjectionCritic(_layered(network, shape), shape, classes)


def _layered(network: Network, shape: Shape) -> LayeredCritic:
    net = network.build(shape)
    if not isinstance(net, LayeredCritic):
        raise UserError(f"{network.name} is no critic with features: take another for this recipe")
    return net


def _unlike(opinion: Opinion, y: Tensor | None) -> Tensor:
    """−log of the probability that the critic's class head gives to y, (n,)."""
    if y is None or "class" not in opinion.extras:
        raise UserError("this critic tells no class: have it return Opinion(logits, {'class': logits of classes})")
    return cross_entropy(opinion.extras["class"], y, reduction="none")


def _class_of_real(verdict: Verdict) -> Tensor:
    return _unlike(verdict.opinion_real, verdict.given)


def _class_of_fake(verdict: Verdict) -> Tensor:
    return _unlike(verdict.opinion_fake, verdict.given)


CONDITIONING = {
    "input": Conditioning(_labelled),
    "auxiliary": Conditioning(_auxiliary, (Term("class", _class_of_real),), (Term("class", _class_of_fake),)),
    "projection": Conditioning(_projection),
}
