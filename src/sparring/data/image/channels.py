"""Conversion between grey, RGB and RGBA. Images are uint8 (n, c, h, w).

In NumPy, so that the worker processes of `sparring.data.prepare.workers` need not import torch.
"""

from collections.abc import Callable, Sequence

import numpy as np

_CHUNK = 4096
"""Images converted at once, to bound memory."""
CHANNEL_COUNTS = {"grey": 1, "rgb": 3, "rgba": 4}
"""Number of channels by name."""
CHANNEL_NAMES = {count: name for name, count in CHANNEL_COUNTS.items()}
"""Name by number of channels."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
"""Weights of R, G and B in luma: ITU-R BT.601."""
_LIGHT, _CELL = 224, 4
"""The checkerboard's darker grey, and the side of its squares in pixels."""


def composite(pixels: np.ndarray, background: np.ndarray | float) -> np.ndarray:
    """Composites images whose last channel is alpha over a background of 0 to 255; the result has no alpha."""
    alpha = pixels[:, -1:].astype(np.float32) / 255
    return (pixels[:, :-1].astype(np.float32) * alpha + background * (1 - alpha)).round().astype(np.uint8)


def over_checkerboard(pixels: np.ndarray) -> np.ndarray:
    """RGBA composited over a light checkerboard, as RGB."""
    rows, columns = (np.arange(side) // _CELL for side in pixels.shape[2:])
    return composite(pixels, np.float32(255) - (255 - _LIGHT) * ((rows[:, None] + columns) % 2).astype(np.float32))


def _as_rgb(pixels: np.ndarray) -> np.ndarray:
    opaque = pixels if pixels.shape[1] in (1, 3) else composite(pixels, 255.0)
    return np.broadcast_to(opaque, (len(opaque), 3, *opaque.shape[2:]))


def _as_grey(pixels: np.ndarray) -> np.ndarray:
    opaque = pixels if pixels.shape[1] in (1, 3) else composite(pixels, 255.0)
    if opaque.shape[1] == 1:
        return opaque
    return (opaque.astype(np.float32) * LUMA).sum(1, keepdims=True).round().astype(np.uint8)


def _as_rgba(pixels: np.ndarray) -> np.ndarray:
    bare = pixels.shape[1] in (1, 3)
    colour, alpha = (pixels, np.full_like(pixels[:, :1], 255)) if bare else (pixels[:, :-1], pixels[:, -1:])
    return np.concatenate([_as_rgb(colour), alpha], 1)


_CONVERTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"grey": _as_grey, "rgb": _as_rgb, "rgba": _as_rgba}
"""Converters from grey (1), grey with alpha (2), RGB (3) or RGBA (4). Dropped alpha is composited over white."""


def choose_channels(counts: Sequence[int]) -> str:
    """Resolves "auto" from the channel count of each image.

    Grey if every image is grey; RGBA if over half of the images have transparent pixels; else RGB.
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
    """Stacks images (h, w, 1 to 4) of equal size into one array (n, c, h, w)."""
    counts = [image.shape[2] for image in images]
    channels = choose_channels(counts) if channels == "auto" else channels
    result = np.empty((len(images), CHANNEL_COUNTS[channels], *images[0].shape[:2]), np.uint8)
    for c in sorted(set(counts)):
        indices = [i for i, count in enumerate(counts) if count == c]
        for start in range(0, len(indices), _CHUNK):
            which = indices[start : start + _CHUNK]
            result[which] = _CONVERTERS[channels](np.stack([images[i] for i in which]).transpose(0, 3, 1, 2))
    return result
