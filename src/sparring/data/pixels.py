"""Between uint8 pixels, what networks see, and pictures to look at."""

import math

import torch
from PIL import Image
from torch.nn import functional as F


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 to float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Float in [-1, 1] to uint8 0..255, rounded; what is beyond is clamped. Undoes `to_unit` exactly."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def resized(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """uint8 (n, c, h, w) to uint8 (n, c, *size), bilinear, antialiased."""
    if pixels.shape[2:] == size:
        return pixels
    result = pixels.new_empty(*pixels.shape[:2], *size)
    # In slices: the floats of the whole of MNIST would take four times the memory of its pixels.
    for start in range(0, len(pixels), 4096):
        part = pixels[start : start + 4096].float()
        smooth = F.interpolate(part, size, mode="bilinear", antialias=True, align_corners=False)
        result[start : start + 4096] = smooth.round().clamp(0, 255).to(torch.uint8)
    return result


def grid(pixels: torch.Tensor, columns: int | None = None, scale: int = 1, pad: int = 2) -> Image.Image:
    """A contact sheet on white.

    Args:
        pixels: uint8 (n, c, h, w), with c of 1 (grey) or 3 (RGB).
        columns: images in a row; as square as it gets by default.
        scale: times each image is enlarged, without smoothing.
        pad: pixels around and between images.

    Raises:
        ValueError: no images, or not of this type and shape.
    """
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or not len(pixels):
        raise ValueError(f"a grid takes uint8 (n, 1 or 3, h, w), not {pixels.dtype} {tuple(pixels.shape)}")
    n, c, h, w = pixels.shape
    columns = columns or math.ceil(math.sqrt(n))
    high, wide = h * scale + pad, w * scale + pad
    sheet = torch.full((math.ceil(n / columns) * high + pad, columns * wide + pad, c), 255, dtype=torch.uint8)
    large = pixels.cpu().permute(0, 2, 3, 1).repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    for i, image in enumerate(large):
        top, left = i // columns * high + pad, i % columns * wide + pad
        sheet[top : top + h * scale, left : left + w * scale] = image
    return Image.fromarray(sheet.squeeze(2).numpy() if c == 1 else sheet.numpy())
