"""Applying an image-to-image model to image files, one at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from os.path import splitext
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.apply.gallery import Thumbnails, write_gallery
from sparring.apply.images import SourceImage, image_items, output_image, read_source_image
from sparring.apply.masks import MASK, read_mask
from sparring.data.files import FileItem
from sparring.data.image.contact_sheet import side_by_side
from sparring.data.image.file import UnreadableImage
from sparring.errors import UserError, one_line
from sparring.models.tiling import TiledResult
from sparring.models.translator import ImageToImageModel
from sparring.progress import with_progress
from sparring.storage.atomic import atomic_write
from sparring.storage.paths import file_ending, unique_names

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
QUALITY = {"WEBP": {"lossless": True, "exact": True}, "JPEG": {"quality": 95}}
SHEET_ROWS, GALLERY_IMAGES, SIDE = 24, 100, 256
"""Images in a sheet and in a gallery, and the longest side of a thumbnail in pixels."""


Translate = Callable[[Tensor, Tensor | None], TiledResult]
"""(Image uint8 (1, c, h, w), known pixels bool (1, 1, h, w) if it has holes) → output."""


@dataclass
class Translated:
    every: int = 1
    """Every n-th image gets thumbnails."""
    written: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Names and reasons."""
    disagreement: float = 0.0
    """The largest mean disagreement of an image's tiles, of 255 (`TiledResult`)."""
    shown: list[Thumbnails] = field(default_factory=list)
    missing: list[tuple[str, float]] = field(default_factory=list)
    """Images with a mask, and the share of their pixels that it marks."""

    def add(self, name: str, pixels: Tensor, known: Tensor | None, result: TiledResult) -> None:
        if self.written % self.every == 0 and len(self.shown) < GALLERY_IMAGES:
            size, before = result.output.shape[2:], pixels if known is None else pixels * known
            self.shown.append(Thumbnails(name, _thumbnail(before, size), _thumbnail(result.output, size)))
        if known is not None:
            self.missing.append((name, 1 - float(known.float().mean())))
        self.written += 1
        self.disagreement = max(self.disagreement, result.disagreement)


def translate_images(
    model: ImageToImageModel,
    spec: str,
    out: Path,
    translate: Translate,
    masks: str | None = None,
    sheet: Path | None = None,
    invert_masks: bool = False,
) -> Translated:
    """Writes the output of each image: of one file to the file `out`; of a folder or zip to the folder `out`, as PNG
    files of the same names, with a `gallery.html`.

    Args:
        masks: a mask for a single image, or a folder of masks, NAME_mask.png or NAME.png; by default those next to the
            images.
        sheet: a picture of inputs and outputs to write too (.png).
        invert_masks: dark pixels of masks are missing, instead of bright ones.

    Raises:
        UserError: no images, a mask that is missing or does not fit, an `out` that exists or can't be written.
    """
    items, masks_next_to = image_items(spec, model.masked)
    single = len(items) == 1 and bool(file_ending(out))
    _check_target(out, single)
    if sheet is not None and sheet.absolute() == out.absolute():
        raise UserError(f"--sheet and --out are both {out}: give two names")
    known = _masks_by_name(masks, items) if masks else masks_next_to
    result = Translated()
    names = _output_names(items)
    for item, name in with_progress(zip(items, names, strict=True), len(items), "images"):
        try:
            image = read_source_image(item, model.input_shape[0])
            path = out if single else out / name
            _check_path(path, None if single else out)
            mask = _known(image, known, invert_masks) if model.masked else None
            _translate_one(image, translate, mask, path, name, result)
        except (UnreadableImage, UserError) as error:
            if single:
                raise UserError(f"{one_line(item.name)}: {error}") from None
            result.skipped.append((item.name, str(error)))
    if not result.written:
        raise UserError(f"{one_line(spec)} has no usable images: {': '.join(result.skipped[0])}")
    if not single:
        write_gallery(out, model.spec.recipe.name, result.shown, result.written, result.skipped)
    if sheet is not None:
        write_sheet(result, sheet)
    return result


def write_sheet(result: Translated, out: Path) -> None:
    """Inputs and outputs, side by side."""
    shown = result.shown[:SHEET_ROWS]
    with atomic_write(out) as path:
        side_by_side([_padded([x.before for x in shown]), _padded([x.after for x in shown])]).save(path, "PNG")


def _known(image: SourceImage, masks: dict[str, FileItem], invert: bool) -> Tensor:
    if image.name not in masks:
        raise UserError(f"no mask: put {image.name}{MASK}.png next to it, or pass one with --mask")
    return read_mask(masks[image.name], invert)


def _output_names(items: list[FileItem]) -> list[str]:
    """A PNG file for each image, of the same name; of those that differ in the ending only, with the ending too."""
    stems = [splitext(item.name)[0] for item in items]
    count = Counter(stem.casefold() for stem in stems)
    whole = [stem if count[stem.casefold()] == 1 else item.name for item, stem in zip(items, stems, strict=True)]
    return [f"{name}.png" for name in unique_names(whole)]


def _translate_one(
    image: SourceImage, translate: Translate, known: Tensor | None, path: Path, name: str, result: Translated
) -> None:
    translated = translate(image.pixels, known)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(image, translated.output, path)
    result.add(name, image.pixels, known, translated)


def _check_path(path: Path, folder: Path | None) -> None:
    """Raises UserError for a path outside its folder."""
    if folder is not None and not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"its name leads out of {one_line(folder)}: rename it")


def _save(source: SourceImage, output: Tensor, out: Path) -> None:
    file_format = FORMATS[file_ending(out)]
    image = output_image(source, output)
    profile = source.profile if min(output.shape[1], 3) == source.colours else None
    image = image.convert("RGB") if file_format == "JPEG" and image.mode == "RGBA" else image
    with atomic_write(out) as path:
        image.save(path, file_format, icc_profile=profile, **QUALITY.get(file_format, {}))


def _check_target(out: Path, single: bool) -> None:
    ending = file_ending(out)
    if single and ending not in FORMATS:
        raise UserError(f"can't write an image as '{ending}': end --out with one of {', '.join(FORMATS)}")
    if not single and ending:
        raise UserError(f"there are several images, and {out} is a file: use a folder as --out")
    check_new(out)


def check_new(path: Path) -> None:
    """Raises UserError if the path exists, or its folder does not."""
    if path.exists():
        raise UserError(f"{path} exists already: choose another")
    if not path.absolute().parent.is_dir():
        raise UserError(f"there is no folder {path.parent} to write {path.name} into")


def _masks_by_name(spec: str, images: list[FileItem]) -> dict[str, FileItem]:
    """Masks by the name of their image."""
    plain, suffixed = image_items(spec, masked=True)
    if len(images) == 1 and len(plain) + len(suffixed) == 1:
        return {splitext(images[0].name)[0]: [*plain, *suffixed.values()][0]}
    return {splitext(item.name)[0]: item for item in plain} | suffixed


def _thumbnail(x: Tensor, size: torch.Size) -> Tensor:
    """RGB with the aspect ratio of `size`, its longer side at most `SIDE`."""
    shrink = max(1.0, max(size) / SIDE)
    sides = [max(1, round(side / shrink)) for side in size]
    rgb = x[:, :3] if x.shape[1] in (3, 4) else x[:, :1].expand(-1, 3, -1, -1)
    mode = "area" if sides[0] < rgb.shape[2] else "nearest"
    return interpolate(rgb.float(), sides, mode=mode).round().to(torch.uint8)


def _padded(images: list[Tensor]) -> Tensor:
    """Images of any sizes as one tensor (n, 3, h, w), on white."""
    height, width = (max(x.shape[k] for x in images) for k in (2, 3))
    batch = torch.full((len(images), 3, height, width), 255, dtype=torch.uint8)
    for row, x in zip(batch, images, strict=True):
        row[:, : x.shape[2], : x.shape[3]] = x[0]
    return batch
