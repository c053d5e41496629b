"""Transforms of a critic's inputs, real and fake alike: noise, augmentation, packing."""

from collections.abc import Callable

from torch import Tensor, nn

from sparring.augment import Augment
from sparring.game import Draw, Round, Sample, ScheduledBuffer, Transform, map_sample
from sparring.priors import gaussian

SIDES = ("real", "fake")


class CriticInput(nn.Module):
    """
    Args:
        noise: (images seen) → σ of Gaussian noise (instance noise: Sønderby et al. 2017, arXiv:1610.04490, section 4).
        augment: augmentation of each example.
        pack: examples concatenated along channels, (n, c, …) → (n / pack, pack · c, …) (PacGAN: Lin et al. 2018,
            arXiv:1712.04086).
    """

    def __init__(self, noise: Callable[[int], float] | None = None, augment: Augment | None = None, pack: int = 1):
        super().__init__()
        self.sigma = None if noise is None else ScheduledBuffer(noise)
        self.augment, self.pack_size = augment, pack

    @property
    def draws(self) -> dict[str, Draw]:
        """Its random inputs, one row per example."""
        noise: dict[str, Draw] = {} if self.sigma is None else {f"noise_{side}": gaussian for side in SIDES}
        return noise | ({} if self.augment is None else {f"augment_{side}": self.augment.draw for side in SIDES})

    def noisy_packed(self, sample: Sample, side: str, round: Round) -> Sample:
        """The sample of a side, "real" or "fake", with the round's noise, in packs."""
        noise = round.latent.get(f"noise_{side}")
        if self.sigma is not None and noise is not None:
            sigma = self.sigma.value
            sample = map_sample(lambda x: x + sigma * noise, sample)
        return map_sample(self.pack, sample)

    def transforms(self, round: Round) -> dict[str, Transform]:
        """By side: a function of a packed sample that augments each example."""
        return {} if self.augment is None else {side: self._view(self.augment, side, round) for side in SIDES}

    def _view(self, augment: Augment, side: str, round: Round) -> Transform:
        u = round.latent[f"augment_{side}"]

        def view(x: Sample) -> Sample:
            assert isinstance(x, Tensor)
            return self.pack(augment(x.reshape(len(u), -1, *x.shape[2:]), u))

        return view

    def pack(self, x: Tensor) -> Tensor:
        """Examples (n, c, …) as (n / pack, pack · c, …)."""
        return x if self.pack_size == 1 else x.reshape(-1, self.pack_size * x.shape[1], *x.shape[2:])

    def pack_condition(self, y: Tensor) -> Tensor:
        """The conditions of a pack in one row: (n, …) as (n / pack, pack, …)."""
        return y if self.pack_size == 1 else y.view(-1, self.pack_size, *y.shape[1:])

    def pack_draw(self, x: Tensor, round: Round) -> Tensor:
        """A draw of the round, (n, …) → (n / pack, …): noise shaped like the examples is packed like them; otherwise a
        pack gets the draw of its first example."""
        like = isinstance(round.real, Tensor) and x.shape[1:] == round.real.shape[1:]
        return self.pack(x) if like else x[:: self.pack_size]
