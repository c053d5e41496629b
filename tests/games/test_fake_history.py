"""The history of fakes that critics see: Shrivastava et al. 2017 (arXiv:1612.07828), section 2.3."""

import torch

from sparring.games.shared.fake_history import FakeHistory


def fakes(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def full(*values: float) -> FakeHistory:
    pool = FakeHistory((1, 1, 1), len(values))
    pool.push(fakes(*values), torch.zeros(len(values), 2))
    return pool


def contents(pool: FakeHistory) -> list[float]:
    return pool.images.flatten().tolist()


def test_until_it_is_full_fakes_are_shown_as_they_are_and_stored_in_order():
    pool = FakeHistory((1, 1, 1), 3)
    u = torch.tensor([[0.1, 0.9], [0.2, 0.9]])
    assert pool.sample_or_replace(fakes(1, 2), u).flatten().tolist() == [1, 2]
    pool.push(fakes(1, 2), u)
    assert contents(pool) == [1, 2, 0] and int(pool.held) == 2
    assert pool.sample_or_replace(fakes(5, 6), u).flatten().tolist() == [5, 6]  # one place is free yet


def test_a_full_one_swaps_those_whose_number_is_below_one_half():
    pool = full(1, 2, 3, 4)
    u = torch.tensor([[0.49, 0.99], [0.5, 0.99], [0.0, 0.25], [0.99, 0.0], [0.3, 0.5]])
    assert pool.sample_or_replace(fakes(10, 20, 30, 40, 50), u).flatten().tolist() == [4, 20, 2, 40, 3]
    assert contents(pool) == [1, 2, 3, 4]  # showing changes nothing
    pool.push(fakes(10, 20, 30, 40, 50), u)
    assert contents(pool) == [1, 30, 50, 10]
    assert int(pool.held) == 4


def test_it_swaps_half_of_all():
    """Of 4,000 fakes 2,000 ± 5 deviations, from every place alike."""
    pool = full(1, 2, 3, 4)
    u = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0))
    shown = pool.sample_or_replace(fakes(*[9.0] * 4000), u).flatten()
    assert abs(int((shown == 9).sum()) - 2000) < 160
    assert all(abs(int((shown == value).sum()) - 500) < 105 for value in (1, 2, 3, 4))


def test_a_batch_that_fills_it_goes_on_by_chance():
    pool = FakeHistory((1, 1, 1), 2)
    u = torch.tensor([[0.1, 0.0], [0.9, 0.0], [0.9, 0.0], [0.1, 0.6]])
    pool.push(fakes(1, 2, 3, 4), u)
    assert contents(pool) == [1, 4] and int(pool.held) == 2


def test_pictures_of_the_past_carry_no_gradient():
    pool = full(7, 8)
    fake = fakes(1, 2).requires_grad_()
    pool.sample_or_replace(fake, torch.tensor([[0.1, 0.0], [0.9, 0.0]])).sum().backward()
    assert fake.grad is not None and fake.grad.flatten().tolist() == [0, 1]


def test_it_is_part_of_the_state():
    assert set(full(1, 2).state_dict()) == {"images", "held"}
