"""`gallery.html` beside what a model made of a folder: befores and afters on one page, which holds all it shows and
links to the files themselves."""

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
class Shown:
    name: str
    """Of the file that was written, inside its folder."""
    before: Tensor
    """uint8 (1, 3, h, w), small,"""
    after: Tensor
    """as large."""


def leave(folder: Path, model: str, shown: Sequence[Shown], written: int, broken: Sequence[tuple[str, str]]) -> None:
    """Writes the page of a folder's pictures, of which only some may be shown."""
    first = "" if written == len(shown) else f", of which the first {len(shown):,} are here"
    page = PAGE.format(
        title=html.escape(f"{folder.resolve().name}, by {model}"),
        about=html.escape(f"Before and after. {written:,} pictures{first}; click one for the file."),
        figures="".join(map(_figure, shown)),
        sections=list_section("Left out", [f"{name}: {why}" for name, why in broken]) if broken else "",
    )
    write_bytes(folder / NAME, page.encode())


def _figure(shown: Shown) -> str:
    before, after = (
        data_uri(Image.fromarray(x[0].permute(1, 2, 0).numpy()), "WEBP") for x in (shown.before, shown.after)
    )
    return FIGURE.format(path=quote(shown.name), before=before, after=after, name=html.escape(shown.name))
