"""Images as input of an encoder, at the model's size."""

from functools import partial
from pathlib import Path

import torch

from sparring.data import Options, Split
from sparring.data.dataset import UnsplitDataset
from sparring.data.image.channels import CHANNEL_NAMES, stack_images
from sparring.data.image.file import UnreadableImage, read_image
from sparring.data.load import read_unsplit, require_path
from sparring.data.named import NAMED
from sparring.data.sources.folder import is_image
from sparring.errors import UserError, one_line
from sparring.modalities.load import load_dataset
from sparring.recipes.recipe import Shape


def read_inputs(spec: str, shape: Shape) -> UnsplitDataset:
    """Images of a model's size and channels: the test split of a named set, or all images of a file or folder.

    Args:
        spec: a named set; a folder of images or shards, a .zip, .tar, .parquet, .npz or idx file; or a single image.
            Not hf:…, …+edges, a prepared set or a table.
        shape: channels, height, width. Other sizes are cropped to the aspect ratio and resized.

    Raises:
        UserError: no such input, or no usable image.
    """
    channels = CHANNEL_NAMES.get(shape[0], "auto")
    options = Options(size=(shape[1], shape[2]), channels=channels)
    if spec in NAMED:
        data = load_dataset(spec, options)
        return UnsplitDataset(data.test, data.names)
    path = require_path(spec)
    pool = _single(path, options) if path.is_file() and is_image(path.name) else read_unsplit(spec, options)
    if not len(pool.examples):
        why = f": {': '.join(pool.skipped[0])}" if pool.skipped else ""
        raise UserError(f"{one_line(spec)} has no usable images{why}")
    return pool


def _single(path: Path, options: Options) -> UnsplitDataset:
    assert options.size is not None
    try:
        array = read_image(partial(open, path, "rb"), options.size, options.fit)
    except UnreadableImage as error:
        return UnsplitDataset(Split(torch.empty(0)), skipped=((path.name, str(error)),))
    return UnsplitDataset(Split(torch.from_numpy(stack_images([array], options.channels))))
