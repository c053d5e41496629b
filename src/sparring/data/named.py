"""Built-in data sets by name: digits, MNIST variants, point mixtures."""

from collections.abc import Callable
from typing import Any

import torch

from sparring.data.dataset import Split, split
from sparring.data.points import GRID, RING, TEST, TRAIN, Mixture
from sparring.data.sources.idx import read_idx
from sparring.errors import UserError, one_line
from sparring.storage.download import Pin, Remote

NamedSplits = tuple[Split, Split, tuple[str, ...]]
"""Train split, test split, class names."""

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_STACK_COUNTS = 60_000, 10_000
"""Train and test examples of Stacked MNIST."""

MNIST = Remote(
    "mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": Pin(
            9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": Pin(28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": Pin(1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": Pin(4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    },
)
FASHION = Remote(
    "fashion-mnist",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    {
        "train-images-idx3-ubyte.gz": Pin(
            26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": Pin(29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": Pin(4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": Pin(5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
)


def digits() -> NamedSplits:
    """scikit-learn's 1,797 greyscale digits, 8×8 pixels."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()  # a Bunch, which type checkers take for a tuple
    pixels = (torch.as_tensor(bunch.images) / 16 * 255).round().to(torch.uint8)
    return *split(Split(pixels[:, None], torch.as_tensor(bunch.target).long())), DIGIT_NAMES


def idx_splits(remote: Remote, names: tuple[str, ...]) -> NamedSplits:
    """Images and labels of four idx files, in their published order and split.

    Raises UserError as `Remote.path` and `read_idx` do.
    """

    def part(prefix: str) -> Split:
        pixels = read_idx(remote.path(f"{prefix}-images-idx3-ubyte.gz"), 3)[:, None]
        labels = read_idx(path := remote.path(f"{prefix}-labels-idx1-ubyte.gz"), 1).long()
        if len(labels) != len(pixels) or labels.max() >= len(names):
            raise UserError(f"{one_line(path)} does not fit its images: replace both")
        return Split(pixels, labels)

    return part("train"), part("t10k"), names


def stacked_mnist() -> NamedSplits:
    """Stacked MNIST: three random digits as channels, 1,000 modes; Metz et al. 2017 (arXiv:1611.02163), section 3.3.1.

    60,000 train and 10,000 test stacks, each drawn from its own MNIST split.
    """
    train, test, _ = idx_splits(MNIST, DIGIT_NAMES)
    g = torch.Generator().manual_seed(0)
    return (
        stack_digits(train, _STACK_COUNTS[0], g),
        stack_digits(test, _STACK_COUNTS[1], g),
        tuple(f"{i:03d}" for i in range(1000)),
    )


def stack_digits(digits: Split, n: int, g: torch.Generator) -> Split:
    """n stacks (n, 3, h, w) of three random digits (m, 1, h, w), labelled with the three-digit number they form."""
    if digits.labels is None:
        raise ValueError("stacking digits needs their labels")
    which = torch.randint(len(digits), (n, 3), generator=g)
    return Split(digits.values[which, 0], digits.labels[which] @ torch.tensor([100, 10, 1]))


def mixture_splits(of: Mixture) -> NamedSplits:
    """Points drawn with a fixed seed, each labelled with its mode."""
    g = torch.Generator().manual_seed(0)
    names = tuple(f"({x:.2f}, {y:.2f})" for x, y in of.centres)
    return Split(*of.draw(TRAIN, g)), Split(*of.draw(TEST, g)), names


NAMED: dict[str, Callable[[], NamedSplits]] = {
    "digits": digits,
    "mnist": lambda: idx_splits(MNIST, DIGIT_NAMES),
    "fashion-mnist": lambda: idx_splits(FASHION, FASHION_NAMES),
    "stacked-mnist": stacked_mnist,
    "ring": lambda: mixture_splits(RING),
    "grid": lambda: mixture_splits(GRID),
}
