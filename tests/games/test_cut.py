"""CUT's loss terms against the formulas of Park et al. 2020 (arXiv:2007.15651), on players of a few numbers."""

import numpy as np
import pytest
import torch
from by_hand import (
    Affine,
    assert_gradients,
    distance_l1,
    numbers,
    numerical_gradients,
    per_image,
    play_turn,
    random_images,
)
from torch import Tensor, nn

from sparring.game import Round
from sparring.games.cut import CUT
from sparring.losses.objectives import least_squares
from sparring.networks.translator import PatchHeads, Translator

N, SIDE, PLACES, TEMPERATURE = 3, 3, 4, 0.07
Y, X = random_images(N, 2, SIDE, seed=0), random_images(N, 2, SIDE, seed=1)
y, x = Y.numpy(), X.numpy()
U = torch.rand(N, 2, SIDE**2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
HEADS = [
    (np.array([[1.0, 0.3], [-0.2, 0.8]]), np.array([0.1, -0.3])),
    (np.array([[0.6, -0.9], [0.5, 0.4]]), np.array([0.2, 0.7])),
]


class Pixelwise(Translator):
    """gain · x + offset. Its features are the pixels, and the pixels times `inner` but for the last row."""

    def __init__(self):
        nn.Module.__init__(self)
        self.inputs, self.widths = 2, [2, 2]
        self.gain, self.offset = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in (1.3, 0.2))
        self.inner = nn.Parameter(torch.tensor([[0.7], [-1.1]], dtype=torch.float64))

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        return self.gain * x + self.offset

    def features(self, x: Tensor) -> list[Tensor]:
        return [x, x[:, :, :-1] * self.inner[:, :, None]]


def heads() -> PatchHeads:
    H = PatchHeads([2, 2], PLACES, 2)
    linear = [nn.Linear(2, 2).double() for _ in HEADS]
    for layer, (weight, bias) in zip(linear, HEADS, strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
    H.heads = nn.ModuleList(linear)
    return H


def game_of(*identities: str, **options) -> CUT:
    return CUT(Pixelwise(), Affine(0.9, 0.1), heads(), least_squares, identities=identities, **options)


AT = {
    name: value
    for name, value in numbers(game_of().players).items()
    if name.startswith(("G.", "H."))
}  # fmt: skip


def G(v, p=AT):
    return p["G.gain"] * v + p["G.offset"]


def D(v):
    return 0.9 * v + 0.1


def directions(v, u, p=AT):
    """By picture and layer, (places, 2): unit vectors at the places of the smallest numbers."""
    result = []
    for picture, numbers_of in zip(v, u, strict=True):
        layers = []
        for i, features in enumerate((picture, picture[:, :-1] * p["G.inner"][:, :, None])):
            rows = features.reshape(2, -1).T
            order = np.argsort(numbers_of[i, : len(rows)])[:PLACES]
            out = rows[order] @ p[f"H.heads.{i}.weight"].T + p[f"H.heads.{i}.bias"]
            layers.append(out / np.linalg.norm(out, axis=1, keepdims=True))
        result.append(layers)
    return result


def nce(queries, keys):
    """Section 3, eq. 3: the mean over places and layers of −log softmax(⟨query, keys⟩ / τ) at the query's own place."""
    result = []
    for picture_q, picture_k in zip(queries, keys, strict=True):
        layers = []
        for q, k in zip(picture_q, picture_k, strict=True):
            places = []
            for s in range(len(q)):
                logits = [float(q[s] @ other) / TEMPERATURE for other in k]
                places.append(np.log(np.exp(logits).sum()) - logits[s])
            layers.append(np.mean(places))
        result.append(np.mean(layers))
    return np.array(result)


def contrast(source, made, u, p=AT):
    """Queries are of what was made, keys, which hold still, of what it was made of."""
    return nce(directions(made, u, p), directions(source, u))


def parts_of(game: CUT, name: str = "makers", mirror: Tensor | None = None) -> dict[str, Tensor]:
    latent = {"places": U} | ({} if mirror is None else {"mirror": mirror})
    with torch.no_grad():
        fake = game.generate(Round(Y, X, latent))
    [turn] = [turn for turn in game.turns(0) if turn.name == name]
    return turn.loss(Round(Y, X, latent, fake))


def close(actual: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-9)


def test_the_critic_then_the_makers():
    turns = game_of().turns(0)
    assert [(turn.name, turn.learns) for turn in turns] == [("critic", ("D",)), ("makers", ("G", "H"))]


def test_the_critics_terms():
    parts = parts_of(game_of(), "critic")
    assert set(parts) == {"real", "fake"}
    close(parts["real"], per_image((D(y) - 1) ** 2 / 2))
    close(parts["fake"], per_image(D(G(x)) ** 2 / 2))


def test_the_makers_terms():
    parts = parts_of(game_of("nce_identity", "identity"))
    assert set(parts) == {"generator", "nce", "nce_identity", "identity"}
    close(parts["generator"], per_image((D(G(x)) - 1) ** 2 / 2))
    close(parts["nce"], contrast(x, G(x), U.numpy()))
    close(parts["nce_identity"], contrast(y, G(y), U.numpy()))
    close(parts["identity"], distance_l1(y, G(y)))
    assert not np.allclose(contrast(x, G(x), U.numpy()), contrast(G(x), x, U.numpy()))  # the order can be told


@pytest.mark.parametrize("names", [(), ("identity",), ("nce_identity",)])
def test_terms_of_the_target_domain_are_optional(names):
    assert set(parts_of(game_of(*names))) == {"generator", "nce", *names}


def test_mirrored_pictures_are_mirrored_back_before_they_are_compared():
    """The second and the third are mirrored left to right on their way through G."""
    game, mirror = game_of("nce_identity", flip_equivariance=True), torch.tensor([0.5, 0.49, 0.0])
    mirrored = np.stack([x[0], x[1][:, :, ::-1], x[2][:, :, ::-1]])
    close(game.generate(Round(Y, X, {"mirror": mirror})), G(mirrored))
    parts = parts_of(game, mirror=mirror)
    close(parts["generator"], per_image((D(G(mirrored)) - 1) ** 2 / 2))
    close(parts["nce"], contrast(x, G(x), U.numpy()))
    close(parts["nce_identity"], contrast(y, G(y), U.numpy()))
    assert not np.allclose(contrast(x, G(mirrored), U.numpy()), contrast(x, G(x), U.numpy()))  # it can be told


def test_gradients_of_g_and_of_the_heads_are_those_of_the_paper():
    """Keys are constants; the critic holds still."""
    weights = {"generator": 2.0, "nce": 3.0, "nce_identity": 0.5, "identity": 5.0}
    game = game_of("nce_identity", "identity", flip_equivariance=True)
    played = play_turn(game, "makers", Y, X, weights)
    batch = played.batch
    real, given, u = batch.real.numpy(), batch.condition.numpy(), batch.latent["places"].numpy()
    mirrored = batch.latent["mirror"].numpy()[:, None, None, None] < 0.5
    assert u.shape == (N, 2, SIDE**2) and mirrored.any() and not mirrored.all()

    def loss(p):
        fake, same = G(np.where(mirrored, given[..., ::-1], given), p), G(real, p)
        fools = per_image((D(fake) - 1) ** 2)
        of_x, of_y = contrast(given, G(given, p), u, p), contrast(real, same, u, p)
        return float((fools + 3 * of_x + 0.5 * of_y + 5 * distance_l1(real, same)).mean())

    assert_gradients(played.gradients, numerical_gradients(loss, AT))


def test_gradients_of_the_critic():
    played = play_turn(game_of(), "critic", Y, X)

    def loss(p):
        def d(v):
            return p["D.gain"] * v + p["D.offset"]

        return float(((d(y) - 1) ** 2 + d(G(x)) ** 2).mean() / 2)

    at = {"D.gain": np.array(0.9), "D.offset": np.array(0.1)}
    assert_gradients(played.gradients, numerical_gradients(loss, at))
