"""How a run's samples changed while it trained, as an animated picture."""

from pathlib import Path

from PIL import Image

from sparring.errors import UserError
from sparring.storage.atomic import atomic_write

PACE, REST = 250, 2_000
"""Milliseconds a report, and for the last one."""


def animate(run: Path, out: Path) -> int:
    """Writes the run's sample pictures, in order, as a GIF; returns how many there are.

    Raises UserError when there are none, or `out` exists.
    """
    if out.exists():
        raise UserError(f"{out} exists already: choose another --out")
    paths = sorted(path for path in (run / "samples").glob("*.png") if path.stem.isdigit())
    if not paths:
        raise UserError(f"{run} has no pictures of samples to animate: give the folder of a run that has reported")
    first, *rest = [Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE) for path in paths]
    times = [PACE] * len(rest) + [REST]
    with atomic_write(out) as path:
        first.save(path, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return len(paths)
