import pytest
import torch
from scipy.stats import fisher_exact

from sparring.metrics.image.memorisation import _ALARM, TrainingNeighbours, memorisation, upper_tail


def cloud(n, seed, scale=1.0):
    return scale * torch.randn(n, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TRAIN, HELD_OUT = cloud(3_000, 0), cloud(1_000, 1)
MEMORY = TrainingNeighbours(TRAIN, HELD_OUT)


@pytest.mark.parametrize("a, n, b, m", [(9, 1000, 10, 1000), (30, 1000, 10, 1000), (5, 40, 0, 600), (0, 50, 3, 70)])
def test_the_exact_test_against_scipy(a, n, b, m):
    expected = fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert upper_tail(a, n, b, m) == pytest.approx(expected, rel=1e-8)


def test_replay_is_caught_and_its_originals_named():
    found = memorisation(TRAIN[200:1_200], MEMORY)
    assert found.share == 1 and found.p < _ALARM
    assert torch.equal(found.originals, found.worst + 200)


def test_a_few_copies_among_new_samples_are_caught_and_shown():
    fake = cloud(1_000, 2)
    fake[:40] = TRAIN[:40] + cloud(40, 3, 0.01)
    found = memorisation(fake, MEMORY)
    assert found.p < _ALARM and set(found.worst.tolist()) <= set(range(40))


def test_new_real_examples_are_not_flagged():
    found = [memorisation(cloud(1_000, seed), MEMORY) for seed in range(10, 20)]
    assert min(one.p for one in found) > _ALARM
    assert sum(one.share for one in found) / 10 == pytest.approx(0.001, abs=0.001)


def test_a_part_of_the_data_with_denser_neighbourhoods_is_not_taken_for_copies():
    """Collapse to flat classes: 1 % of held-out examples lie below the bare threshold, and 2 % of these samples."""

    def mixed(n, seed, share):
        x = cloud(n, seed)
        x[: int(share * n), 5:] = 0
        return x

    memory = TrainingNeighbours(mixed(6_000, 5, 0.5), mixed(2_000, 6, 0.5))
    flat = mixed(4_000, 7, 1)
    hits = int((memory.ratios(flat)[0] < memory.held_out_ratios.quantile(0.01)).sum())
    assert upper_tail(hits, 4_000, 20, 2_000) < 0.01
    assert memorisation(flat, memory).p > 0.1


def test_typical_samples_near_many_are_not_taken_for_copies():
    typical = cloud(1_000, 2, 0.3)
    nearest = torch.cdist(typical, TRAIN).min(1).values
    assert nearest.median() < 0.7 * torch.cdist(HELD_OUT, TRAIN).min(1).values.median()
    assert memorisation(typical, MEMORY).p > _ALARM


def test_twins_in_the_training_set_are_no_copies_of_each_other():
    one = TRAIN[:1].expand(50, -1)
    assert memorisation(cloud(500, 4), TrainingNeighbours(torch.cat([TRAIN, one]), HELD_OUT)).p > _ALARM
