"""Applying an image-to-image model to a video or animation, a frame at a time; size and durations are preserved."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from torch import Tensor

from sparring.apply.ffmpeg import CONTAINERS, read_video, write_video
from sparring.apply.formats import Animation, Frame, read_animation, write_gif, write_webp
from sparring.apply.images import output_image, source_image
from sparring.apply.masks import MASK, mask_next_to, read_mask
from sparring.apply.translate import SHEET_ROWS, Translate, Translated, write_sheet
from sparring.data.files import FileItem
from sparring.data.image.file import UnreadableImage
from sparring.errors import UserError, one_line
from sparring.models.translator import ImageToImageModel
from sparring.progress import with_progress
from sparring.storage.atomic import atomic_write, output_target

Write = Callable[[Path, Iterator[Frame], int], None]
WRITERS: dict[str, Write] = {
    ".gif": write_gif,
    ".webp": write_webp,
    **{
        ending: partial(write_video, file_format=file_format, codec=codec)
        for ending, (file_format, codec) in CONTAINERS.items()
    },
}
"""By the ending of the output."""


def open_animation(spec: str) -> Animation | None:
    """The video or animated image that a spec names; None for anything else. Raises UserError if it can't be read."""
    path = Path(spec).expanduser()
    return (read_animation(path) or read_video(path)) if path.is_file() else None


def translate_video(
    model: ImageToImageModel,
    spec: str,
    animation: Animation,
    out: Path,
    translate: Translate,
    mask: str | None = None,
    sheet: Path | None = None,
    invert_mask: bool = False,
) -> Translated:
    """Writes the output of each frame of the file `spec`, with the same durations.

    Args:
        mask: the file of a mask for all frames; by default NAME_mask.png next to the video.
        sheet: a picture of inputs and outputs to write too (.png).
        invert_mask: dark pixels of the mask are missing, instead of bright ones.

    Raises:
        UserError: a damaged video, a mask that is missing or does not fit, an `out` that exists or can't be written.
    """
    known = _known(Path(spec).expanduser(), mask, invert_mask) if model.masked else None
    result = Translated(every=max(1, (animation.count or 1) // SHEET_ROWS))
    with output_target(out, WRITERS, "videos") as write, atomic_write(out) as path:
        try:
            write(path, _translated(model, animation, translate, known, result), animation.loops)
        except UnreadableImage as error:
            raise UserError(f"{one_line(spec)}, after {result.written:,} frames: {error}") from None
    if sheet is not None:
        write_sheet(result, sheet)
    return result


def _translated(
    model: ImageToImageModel, animation: Animation, translate: Translate, known: Tensor | None, result: Translated
) -> Iterator[Frame]:
    for image, seconds in with_progress(animation.frames(), animation.count, "frames"):
        source = source_image(image, model.input_shape[0])
        translated = translate(source.pixels, known)
        result.add("", source.pixels, known, translated)
        yield output_image(source, translated.output), seconds


def _known(path: Path, mask: str | None, invert: bool) -> Tensor:
    file = Path(mask or "").expanduser()
    item = FileItem(file.name, partial(open, file, "rb")) if mask and file.is_file() else None
    if not mask:
        item = mask_next_to(path)
    if item is None:
        raise UserError(f"no mask: put {path.stem}{MASK}.png next to the video, or pass one for all frames with --mask")
    try:
        return read_mask(item, invert)
    except UnreadableImage as error:
        raise UserError(f"{one_line(item.name)}: {error}") from None
