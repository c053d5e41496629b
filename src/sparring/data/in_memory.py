"""Data sets from NumPy arrays or tensors in memory."""

import numpy as np
import torch

from sparring.data.dataset import Dataset, split
from sparring.data.load import FEWEST
from sparring.data.sources.npz import InvalidArray, dataset_from_arrays
from sparring.errors import UserError


def of_arrays(images: np.ndarray | torch.Tensor, labels: np.ndarray | torch.Tensor | None = None) -> Dataset:
    """A data set of images, split with a fixed seed: five sixths train, one sixth test.

    Args:
        images: n×h×w, n×h×w×c or n×c×h×w; uint8, uint16, or floats in [0, 1] or [−1, 1].
        labels: classes (n,) or attributes (n, k).

    Raises:
        UserError: unsupported shapes or value ranges, or too few usable images.
    """
    try:
        pool = dataset_from_arrays("images", np.asarray(images), None if labels is None else np.asarray(labels))
    except InvalidArray as error:
        raise UserError(f"invalid arrays: {error}") from None
    if len(pool.examples) < FEWEST:
        raise UserError(f"invalid arrays: {len(pool.examples)} usable images, {FEWEST} or more are needed")
    return Dataset.of("arrays given in Python", *split(pool.examples), pool.names, pool.skipped)
