"""A translator on files: pictures in, pictures out, one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from os.path import splitext
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.apply.gallery import Shown, leave
from sparring.apply.images import MASK, Picture, as_image, items, mask, read
from sparring.data.image.contact_sheet import side_by_side
from sparring.data.image.file import UnreadableImage
from sparring.data.sources.item import FileItem
from sparring.errors import UserError, one_line
from sparring.models.tiling import TiledResult
from sparring.models.translator import ImageToImageModel
from sparring.progress import with_progress
from sparring.storage.atomic import atomic_write

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
LOSSLESS = {"WEBP": {"lossless": True, "exact": True}, "JPEG": {"quality": 95}}
SHOWN, HUNG, SIDE = 24, 100, 256
"""Pictures in a sheet of befores and afters, those in a gallery, and the longest side of each there."""


Make = Callable[[Tensor, Tensor | None], TiledResult]
"""A picture uint8 (1, c, h, w), and what is known of it, bool (1, 1, h, w), if it has holes → what comes of it."""


@dataclass
class Translated:
    every: int = 1
    """So-manieth picture is kept to be shown."""
    written: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    """Left out, with the reason."""
    apart: float = 0.0
    """The most that tiles of a picture disagreed by on average, of 255, for models that look at the whole of it."""
    shown: list[Shown] = field(default_factory=list)

    def add(self, name: str, pixels: Tensor, known: Tensor | None, result: TiledResult) -> None:
        if self.written % self.every == 0 and len(self.shown) < HUNG:
            size, before = result.output.shape[2:], pixels if known is None else pixels * known
            self.shown.append(Shown(name, _small(before, size), _small(result.output, size)))
        self.written += 1
        self.apart = max(self.apart, result.disagreement)


def translate_images(
    model: ImageToImageModel, spec: str, out: Path, make: Make, masks: str | None = None, sheet_at: Path | None = None
) -> Translated:
    """Writes what the model makes of each picture: of one file into the file `out`, of a folder or zip into the folder
    `out`, as PNG files of the same names, with a `gallery.html` of befores and afters.

    Args:
        make: what a part of a picture comes to.
        masks: a mask for a single picture, or a folder of masks: NAME_mask.png or NAME.png; by default those that lie
            beside the pictures.
        sheet_at: a picture of befores and afters to write too (.png).

    Raises:
        UserError: nothing to read, a mask that lacks or does not fit, an `out` that exists or can't be written.
    """
    found, beside = items(spec, model.masked)
    alone = len(found) == 1 and bool(out.suffix)
    _writable(out, alone)
    holes = _masks(masks, found) if masks else beside
    done = Translated()
    for item in with_progress(found, len(found), "pictures"):
        try:
            _one(model, item, make, holes, out, alone, done)
        except (UnreadableImage, UserError) as error:
            if alone:
                raise UserError(f"{one_line(item.name)}: {error}") from None
            done.broken.append((item.name, str(error)))
    if not done.written:
        raise UserError(f"{one_line(spec)} has no usable pictures: {': '.join(done.broken[0])}")
    if not alone:
        leave(out, model.spec.recipe.name, done.shown, done.written, done.broken)
    if sheet_at is not None:
        write_sheet(done, sheet_at)
    return done


def write_sheet(done: Translated, out: Path) -> None:
    """Befores and afters, side by side."""
    shown = done.shown[:SHOWN]
    with atomic_write(out) as path:
        side_by_side([_padded([x.before for x in shown]), _padded([x.after for x in shown])]).save(path, "PNG")


def _one(
    model: ImageToImageModel,
    item: FileItem,
    make: Make,
    holes: dict[str, FileItem],
    out: Path,
    alone: bool,
    done: Translated,
):
    picture = read(item, model.input_shape[0])
    known = None
    if model.masked:
        if picture.name not in holes:
            raise UserError(f"no mask: put {picture.name}{MASK}.png beside it, or name one with --mask")
        known = mask(holes[picture.name])
    result = make(picture.pixels, known)
    path = out if alone else out / f"{picture.name}.png"
    if not alone and not path.resolve().is_relative_to(out.resolve()):
        raise UserError(f"its name leads out of {one_line(out)}: rename it")
    if path.exists():
        raise UserError(f"{path} is there already, of a picture of the same name and another ending")
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(picture, result.output, path)
    done.add(path.name if alone else f"{picture.name}.png", picture.pixels, known, result)


def _save(picture: Picture, made: Tensor, out: Path) -> None:
    kind = FORMATS[out.suffix.lower()]
    image = as_image(picture, made)
    profile = picture.profile if min(made.shape[1], 3) == picture.colours else None
    image = image.convert("RGB") if kind == "JPEG" and image.mode == "RGBA" else image
    with atomic_write(out) as path:
        image.save(path, kind, icc_profile=profile, **LOSSLESS.get(kind, {}))


def _writable(out: Path, alone: bool) -> None:
    if alone and out.suffix.lower() not in FORMATS:
        raise UserError(f"can't write a picture as '{out.suffix}': end --out with one of {', '.join(FORMATS)}")
    if not alone and out.suffix:
        raise UserError(f"there are several pictures, and {out} is a file: give --out a folder")
    free(out)


def free(path: Path) -> None:
    """Raises UserError if something is there, or nothing can be."""
    if path.exists():
        raise UserError(f"{path} exists already: choose another")
    if not path.absolute().parent.is_dir():
        raise UserError(f"there is no folder {path.parent} to write {path.name} into")


def _masks(spec: str, found: list[FileItem]) -> dict[str, FileItem]:
    """Masks by the name of their picture."""
    plain, marked = items(spec, masked=True)
    if len(found) == 1 and len(plain) + len(marked) == 1:
        return {splitext(found[0].name)[0]: [*plain, *marked.values()][0]}
    return {splitext(item.name)[0]: item for item in plain} | marked


def _small(x: Tensor, size: torch.Size) -> Tensor:
    """RGB at this aspect ratio, its longer side 256 at most."""
    shrink = max(1.0, max(size) / SIDE)
    sides = [max(1, round(side / shrink)) for side in size]
    seen = x[:, :3] if x.shape[1] in (3, 4) else x[:, :1].expand(-1, 3, -1, -1)
    mode = "area" if sides[0] < seen.shape[2] else "nearest"
    return interpolate(seen.float(), sides, mode=mode).round().to(torch.uint8)


def _padded(pictures: list[Tensor]) -> Tensor:
    """Of any sizes as one tensor (n, 3, h, w), on white."""
    height, width = (max(x.shape[k] for x in pictures) for k in (2, 3))
    whole = torch.full((len(pictures), 3, height, width), 255, dtype=torch.uint8)
    for row, x in zip(whole, pictures, strict=True):
        row[:, : x.shape[2], : x.shape[3]] = x[0]
    return whole
