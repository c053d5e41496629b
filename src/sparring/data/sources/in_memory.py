"""Arrays handed over from Python, as a data set."""

import numpy as np
import torch

from sparring.data.dataset import Dataset, split
from sparring.data.load import FEWEST
from sparring.data.sources.npz import InvalidArray, dataset_from_arrays
from sparring.errors import UserError


def of_arrays(images: np.ndarray | torch.Tensor, labels: np.ndarray | torch.Tensor | None = None) -> Dataset:
    """A data set of images, split by a fixed seed: five sixths to train, one to test.

    Args:
        images: n×h×w, n×h×w×c or n×c×h×w; uint8, uint16, or floats in [0, 1] or [−1, 1].
        labels: classes (n,) or attributes (n, k).

    Raises:
        UserError: arrays of other shapes or ranges, or of too few usable images.
    """
    try:
        pool = dataset_from_arrays("images", np.asarray(images), None if labels is None else np.asarray(labels))
    except InvalidArray as unfit:
        raise UserError(f"these arrays are no data set: {unfit}") from None
    if len(pool.examples) < FEWEST:
        raise UserError(f"these arrays are no data set: {len(pool.examples)} usable images, and {FEWEST} are needed")
    return Dataset.of("arrays given in Python", *split(pool.examples), pool.names, pool.skipped)
