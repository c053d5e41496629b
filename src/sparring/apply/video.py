"""A translator on a film: frame by frame, in bounded memory; size and times are kept."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from torch import Tensor

from sparring.apply.ffmpeg import CONTAINERS, video, write_video
from sparring.apply.formats import Film, Frame, animation, write_gif, write_webp
from sparring.apply.images import MASK, as_image, mask, taken
from sparring.apply.translate import SHOWN, Make, Translated, write_sheet
from sparring.data.image.file import UnreadableImage
from sparring.data.sources.item import FileItem
from sparring.errors import UserError, one_line
from sparring.models.translator import ImageToImageModel
from sparring.progress import with_progress
from sparring.storage.atomic import atomic_write, output_target

Write = Callable[[Path, Iterator[Frame], int], None]
WRITERS: dict[str, Write] = {
    ".gif": write_gif,
    ".webp": write_webp,
    **{ending: partial(write_video, container=box, codec=codec) for ending, (box, codec) in CONTAINERS.items()},
}
"""By the ending of what is written."""


def film(spec: str) -> Film | None:
    """What a spec names, if it is a file that moves. Raises UserError for a video that can't be read."""
    path = Path(spec).expanduser()
    return (animation(path) or video(path)) if path.is_file() else None


def translate_video(
    model: ImageToImageModel,
    spec: str,
    moving: Film,
    out: Path,
    make: Make,
    masks: str | None,
    sheet_at: Path | None = None,
) -> Translated:
    """Writes what the model makes of each frame of `spec`, as many frames of the same times.

    Args:
        make: what a part of a picture comes to.
        masks: the file of a mask for every frame; by default NAME_mask.png beside the film.
        sheet_at: a picture of befores and afters to write too (.png).

    Raises:
        UserError: a film that is damaged, a mask that lacks or does not fit, an `out` that exists or can't be written.
    """
    known = _known(Path(spec).expanduser(), masks) if model.masked else None
    done = Translated(every=max(1, (moving.count or 1) // SHOWN))
    with output_target(out, WRITERS, "moving pictures") as form, atomic_write(out) as path:
        try:
            form(path, _made(model, moving, make, known, done), moving.plays)
        except UnreadableImage as error:
            raise UserError(f"{one_line(spec)}, after {done.written:,} frames: {error}") from None
    if sheet_at is not None:
        write_sheet(done, sheet_at)
    return done


def _made(
    model: ImageToImageModel, moving: Film, make: Make, known: Tensor | None, done: Translated
) -> Iterator[Frame]:
    for image, seconds in with_progress(moving.frames(), moving.count, "frames"):
        picture = taken(image, model.input_shape[0], "")
        result = make(picture.pixels, known)
        done.add("", picture.pixels, known, result)
        yield as_image(picture, result.output), seconds


def _known(path: Path, masks: str | None) -> Tensor:
    at = Path(masks).expanduser() if masks else path.with_name(f"{path.stem}{MASK}.png")
    if not at.is_file():
        raise UserError(f"no mask: put {path.stem}{MASK}.png beside the film, or name one with --mask, for all frames")
    try:
        return mask(FileItem(at.name, partial(open, at, "rb")))
    except UnreadableImage as error:
        raise UserError(f"{one_line(at)}: {error}") from None
