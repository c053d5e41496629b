"""The samples of a run during training, as an animation."""

from pathlib import Path

from PIL import Image

from sparring.errors import UserError
from sparring.storage.atomic import atomic_write
from sparring.storage.paths import require_run_folder

FRAME_MS, LAST_FRAME_MS = 250, 2_000
"""Duration of a frame, and of the last one, in milliseconds."""


def animate(run: Path, out: Path) -> int:
    """Writes the run's sample pictures, in order, as a GIF; returns their number.

    Raises UserError if there are none, or if `out` exists.
    """
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    paths = sorted(path for path in (require_run_folder(run) / "samples").glob("*.png") if path.stem.isdigit())
    if not paths:
        raise UserError(f"{run} has no pictures of samples: use the folder of a run that has reported")
    first, *rest = [Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE) for path in paths]
    durations = [FRAME_MS] * len(rest) + [LAST_FRAME_MS]
    with atomic_write(out) as path:
        first.save(path, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    return len(paths)
