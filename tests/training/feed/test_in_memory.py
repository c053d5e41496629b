import torch

from sparring.data.dataset import Dataset, Split
from sparring.modalities.array_source import InMemory
from sparring.modalities.image import IMAGE
from sparring.modalities.load import load_dataset
from sparring.modalities.point import POINT


def held(mirrored: bool) -> InMemory:
    pixels = torch.arange(2 * 6, dtype=torch.uint8).view(2, 1, 2, 3) * 20
    examples = Split(pixels, torch.tensor([4, 7]))
    return InMemory(IMAGE, Dataset.of("x", examples, examples, (), mirrored=mirrored), torch.device("cpu"))


def test_the_second_half_is_the_first_mirrored():
    plain, mirrored = held(False), held(True)
    assert (len(plain), len(mirrored)) == (2, 4)
    (once, labels), (twice, doubled) = plain[torch.arange(2)], mirrored[torch.arange(4)]
    assert (
        torch.equal(twice[:2], once) and torch.equal(twice[2:], once.flip(-1)) and not torch.equal(once, once.flip(-1))
    )
    assert torch.equal(doubled, labels.repeat(2))
    assert once.dtype == torch.float32 and once.min() == -1


def test_networks_see_points_at_a_scale_of_their_own():
    for name in ("ring", "grid"):
        seen, _ = InMemory(POINT, load_dataset(name), torch.device("cpu"))[torch.arange(5000)]
        assert abs(float(seen.std()) - 1) < 0.02
