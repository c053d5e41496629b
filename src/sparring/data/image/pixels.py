"""Conversion of uint8 pixels: network input, resizing, image grids."""

import math
from collections.abc import Callable

import torch
from PIL import Image
from torch.nn import functional as F

from sparring.data.image import channels
from sparring.data.image.geometry import centre_crop, fit_inside

_CHUNK = 4096
"""Images converted at once: float32 takes four times the memory of uint8."""


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 to float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Float in [-1, 1] to uint8 0..255, rounded and clamped. The exact inverse of `to_unit`."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def rgb_to_luma(images: torch.Tensor) -> torch.Tensor:
    """Luma (n, 1, h, w) of RGB (n, 3, h, w), floats of any range."""
    return (images * torch.as_tensor(channels.LUMA).to(images)).sum(1, keepdim=True)


def with_channels(pixels: torch.Tensor, kind: str) -> torch.Tensor:
    """uint8 (n, c, h, w) of 1 to 4 channels as "grey", "rgb" or "rgba"."""
    return torch.from_numpy(channels.convert_channels(pixels.numpy(), kind))


def resize(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """uint8 (n, c, h, w) to uint8 (n, c, *size), bilinear with antialiasing, ignoring the aspect ratio."""
    if pixels.shape[2:] == size:
        return pixels
    result = pixels.new_empty(*pixels.shape[:2], *size)
    for start in range(0, len(pixels), _CHUNK):
        part = pixels[start : start + _CHUNK].float()
        smooth = F.interpolate(part, size, mode="bilinear", antialias=True, align_corners=False)
        result[start : start + _CHUNK] = smooth.round().clamp(0, 255).to(torch.uint8)
    return result


def crop(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """uint8 (n, c, h, w) to uint8 (n, c, *size): the centre crop of that aspect ratio, resized."""
    top, left, height, width = centre_crop((pixels.shape[2], pixels.shape[3]), size)
    return resize(pixels[:, :, top : top + height, left : left + width], size)


def pad(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """uint8 (n, c, h, w) to uint8 (n, c, *size): resized to fit, with bars of each image's mean border colour."""
    height, width = fit_inside((pixels.shape[2], pixels.shape[3]), size)
    small = resize(pixels, (height, width))
    edge = torch.cat([small[:, :, 0], small[:, :, -1], small[:, :, :, 0], small[:, :, :, -1]], 2)
    whole = edge.float().mean(2).round().to(torch.uint8)[:, :, None, None].repeat(1, 1, *size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    whole[:, :, top : top + height, left : left + width] = small
    return whole


FIT_METHODS: dict[str, Callable[[torch.Tensor, tuple[int, int]], torch.Tensor]] = {
    "crop": crop,
    "pad": pad,
    "stretch": resize,
}


def image_grid(pixels: torch.Tensor, columns: int | None = None, scale: int = 1, pad: int = 2) -> Image.Image:
    """A grid of images on white.

    Args:
        pixels: uint8 (n, c, h, w), displayed as by `to_displayable`.
        columns: images per row; by default as square as possible.
        scale: integer magnification, without smoothing.
        pad: pixels around and between images.

    Raises:
        ValueError: no images, or another type or shape.
    """
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or not pixels.numel():
        raise ValueError(f"an image grid takes uint8 (n, c, h, w), not {pixels.dtype} {tuple(pixels.shape)}")
    pixels = to_displayable(pixels.cpu())
    n, c, h, w = pixels.shape
    columns = columns or math.ceil(math.sqrt(n))
    high, wide = h * scale + pad, w * scale + pad
    sheet = torch.full((math.ceil(n / columns) * high + pad, columns * wide + pad, c), 255, dtype=torch.uint8)
    large = pixels.permute(0, 2, 3, 1).repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    for i, image in enumerate(large):
        top, left = i // columns * high + pad, i % columns * wide + pad
        sheet[top : top + h * scale, left : left + w * scale] = image
    return Image.fromarray(sheet.squeeze(2).numpy() if c == 1 else sheet.numpy())


def _over_checkerboard(pixels: torch.Tensor) -> torch.Tensor:
    """RGBA composited over a light checkerboard, as RGB."""
    return torch.from_numpy(channels.over_checkerboard(pixels.numpy()))


_DISPLAY: dict[int, Callable[[torch.Tensor], torch.Tensor]] = {1: lambda p: p, 3: lambda p: p, 4: _over_checkerboard}
"""Conversion to one or three channels, by number of channels."""


def to_displayable(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 images of one or three channels for display.

    Four channels are RGBA, composited over a checkerboard; any other even number is two images, shown side by side; of
    any other odd number, the first three channels.
    """
    count = pixels.shape[1]
    if count in _DISPLAY:
        return _DISPLAY[count](pixels)
    if count % 2:
        return pixels[:, :3]
    return torch.cat([to_displayable(half) for half in pixels.chunk(2, 1)], 3)
