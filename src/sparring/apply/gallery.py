"""`gallery.html`: inputs and outputs of a folder on one self-contained page, linked to the files."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from torch import Tensor

from sparring.storage.atomic import write_bytes
from sparring.training.report.html import data_uri, list_section

NAME = "gallery.html"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#222}}
main{{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr))}}
figure{{margin:0}}figure a{{display:grid;grid-template-columns:1fr 1fr;gap:2px;align-items:end}}
img{{width:100%;image-rendering:pixelated}}figcaption{{font-size:.85em;overflow-wrap:anywhere}}</style>
<h1>{title}</h1><p>{about}</p>
<main>{figures}</main>
{sections}</html>
"""

FIGURE = """<figure><a href="{path}"><img src="{before}" alt="before"><img src="{after}" alt="after"></a>
<figcaption>{name}</figcaption></figure>
"""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    name: str
    """Path of the output file inside its folder."""
    before: Tensor
    """uint8 (1, 3, h, w)."""
    after: Tensor
    """uint8 (1, 3, h, w)."""


def write_gallery(
    folder: Path, model: str, shown: Sequence[Thumbnails], written: int, skipped: Sequence[tuple[str, str]]
) -> None:
    """Writes the page of a folder with `written` outputs, of which some are shown."""
    first = "" if written == len(shown) else f", of which the first {len(shown):,} are shown"
    page = PAGE.format(
        title=html.escape(f"{folder.resolve().name}, by {model}"),
        about=html.escape(f"Before and after. {written:,} images{first}; click one for the file."),
        figures="".join(map(_figure, shown)),
        sections=list_section("Skipped", [f"{name}: {why}" for name, why in skipped]) if skipped else "",
    )
    write_bytes(folder / NAME, page.encode())


def _figure(shown: Thumbnails) -> str:
    before, after = (
        data_uri(Image.fromarray(x[0].permute(1, 2, 0).numpy()), "WEBP") for x in (shown.before, shown.after)
    )
    return FIGURE.format(path=quote(shown.name), before=before, after=after, name=html.escape(shown.name))
