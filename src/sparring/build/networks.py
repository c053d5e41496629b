"""The networks that a recipe names."""

from torch import nn

from sparring.errors import UserError, lookup, one_line
from sparring.game import Draw
from sparring.networks import NETWORKS
from sparring.networks.layers.discrete import noise_dims
from sparring.priors import latent_prior
from sparring.recipes.recipe import USER_NETWORK_PREFIX, Network, Recipe, Shape


def build_network(network: Network, shape: Shape, **numbers: int) -> nn.Module:
    """The network for examples of this shape; `numbers` are those that follow from the rest of the recipe.

    Raises UserError for an unknown name, for numbers that the network does not take, and for an unsuitable shape.
    """
    name, own = network.name, dict(network.numbers)
    if name.startswith(USER_NETWORK_PREFIX):
        raise UserError(
            f"the network {name.removeprefix(USER_NETWORK_PREFIX)} is not the library's: "
            "hand it over from Python, as networks={'G': …, 'D': …}"
        )
    new = lookup(NETWORKS, "network", name)
    try:
        return new(shape=shape, **own | numbers)
    except KeyError as error:
        raise UserError(f"{name} knows no {error} of {own}") from None
    except (TypeError, RuntimeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{name} can't be built with {own}: {one_line(error)}") from None


def build_prior(recipe: Recipe, G: nn.Module) -> Draw:
    """The distribution of the recipe's latent, and of the random inputs that G takes besides."""
    return latent_prior(recipe.z, recipe.categories, recipe.codes, noise_dims(G))
