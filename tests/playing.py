"""Loops on pictures of noise, for tests of recipes: played, stopped, and gone on with."""

from collections.abc import Callable

import torch
from torch import Tensor

from sparring.training.loop import Loop


class Pictures:
    """n images of a shape, uniform in [−1, 1]; classes are given in turn, or whatever is given."""

    def __init__(self, shape: tuple[int, ...], classes: int = 0, given: Tensor | None = None, n: int = 24):
        self.x = torch.rand(n, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        self.given = torch.arange(n) % classes if classes else given

    def __len__(self):
        return len(self.x)

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x[indices], None if self.given is None else self.given[indices]


def resumed_to_the_bit(new: Callable[[], Loop], before: int = 2, after: int = 2) -> tuple[Loop, dict[str, Tensor]]:
    """Plays rounds before and after a state is taken, and those after it once more from that state: to the bit the
    same, every part finite, and every weight has moved. Returns the loop, and the parts of its last round."""
    loop, other = new(), new()
    start = {name: p.clone() for name, p in loop.game.players.named_parameters()}
    for _ in range(before):
        loop.round()
    state = {name: value.clone() for name, value in loop.state().items()}
    parts = [loop.round() for _ in range(after)][-1]
    torch.manual_seed(9)  # what a round draws is the round's own
    other.restore(state)
    for _ in range(after):
        other.round()
    assert all(torch.equal(value, other.state()[name]) for name, value in loop.state().items())
    assert all(torch.isfinite(part).all() for part in parts.values())
    still = [name for name, p in loop.game.players.named_parameters() if torch.equal(p, start[name])]
    assert not still, f"{still} never learnt"
    return loop, parts
