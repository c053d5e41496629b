"""Grey, RGB and RGBA: which one a set is read as, and how images become it. All images are uint8 (n, c, h, w).

In NumPy: the processes that decode (`sparring.data.prepare.workers`) start sooner without torch.
"""

from collections.abc import Callable, Sequence

import numpy as np

_CHUNK = 4096
"""Images converted at once, to bound the memory of their floats."""
CHANNEL_COUNTS = {"grey": 1, "rgb": 3, "rgba": 4}
"""How many channels each name stands for,"""
CHANNEL_NAMES = {count: name for name, count in CHANNEL_COUNTS.items()}
"""and the names by that."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
"""ITU-R BT.601."""
_LIGHT, _CELL = 224, 4
"""Of the checkerboard: its darker grey, and the side of a square in pixels."""


def composite(pixels: np.ndarray, ground: np.ndarray | float) -> np.ndarray:
    """Images whose last channel is alpha, laid on a ground of 0 to 255; without alpha."""
    alpha = pixels[:, -1:].astype(np.float32) / 255
    return (pixels[:, :-1].astype(np.float32) * alpha + ground * (1 - alpha)).round().astype(np.uint8)


def over_checkerboard(pixels: np.ndarray) -> np.ndarray:
    """RGBA over a light checkerboard, as RGB."""
    rows, columns = (np.arange(side) // _CELL for side in pixels.shape[2:])
    return composite(pixels, np.float32(255) - (255 - _LIGHT) * ((rows[:, None] + columns) % 2).astype(np.float32))


def _as_rgb(pixels: np.ndarray) -> np.ndarray:
    flat = pixels if pixels.shape[1] in (1, 3) else composite(pixels, 255.0)
    return np.broadcast_to(flat, (len(flat), 3, *flat.shape[2:]))


def _as_grey(pixels: np.ndarray) -> np.ndarray:
    flat = pixels if pixels.shape[1] in (1, 3) else composite(pixels, 255.0)
    if flat.shape[1] == 1:
        return flat
    return (flat.astype(np.float32) * LUMA).sum(1, keepdims=True).round().astype(np.uint8)


def _as_rgba(pixels: np.ndarray) -> np.ndarray:
    bare = pixels.shape[1] in (1, 3)
    colour, alpha = (pixels, np.full_like(pixels[:, :1], 255)) if bare else (pixels[:, :-1], pixels[:, -1:])
    return np.concatenate([_as_rgb(colour), alpha], 1)


_CONVERTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"grey": _as_grey, "rgb": _as_rgb, "rgba": _as_rgba}
"""From grey (1), grey and alpha (2), RGB (3) or RGBA (4); transparency is laid on white where it is not kept."""


def choose_channels(counts: Sequence[int]) -> str:
    """What "auto" stands for, by the number of channels each image has.

    Grey if every image is; RGBA if over half of the images have transparent pixels; else RGB.
    """
    if all(c <= 2 for c in counts):
        return "grey"
    return "rgba" if 2 * sum(c in (2, 4) for c in counts) > len(counts) else "rgb"


def convert_channels(pixels: np.ndarray, channels: str) -> np.ndarray:
    """Images of 1 to 4 channels as "grey", "rgb" or "rgba"."""
    if pixels.shape[1] == CHANNEL_COUNTS[channels]:
        return pixels
    return np.concatenate(
        [_CONVERTERS[channels](pixels[i : i + _CHUNK]) for i in range(0, max(len(pixels), 1), _CHUNK)]
    )


def stack_images(images: Sequence[np.ndarray], channels: str) -> np.ndarray:
    """Images (h, w, 1 to 4) of one size as one array (n, c, h, w)."""
    counts = [image.shape[2] for image in images]
    channels = choose_channels(counts) if channels == "auto" else channels
    result = np.empty((len(images), CHANNEL_COUNTS[channels], *images[0].shape[:2]), np.uint8)
    for c in sorted(set(counts)):
        places = [i for i, count in enumerate(counts) if count == c]
        for start in range(0, len(places), _CHUNK):
            which = places[start : start + _CHUNK]
            result[which] = _CONVERTERS[channels](np.stack([images[i] for i in which]).transpose(0, 3, 1, 2))
    return result
