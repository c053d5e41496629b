"""`report.html`: one page with its images inlined."""

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from PIL import Image

from sparring.metrics.report import Report
from sparring.modalities.base import Preview
from sparring.training.config.config import Config

FRAMES = 60
"""Sample grids on the slider, at most."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}}
table{{border-collapse:collapse;display:block;overflow-x:auto}}
td,th{{padding:.2rem .8rem;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}}
th{{border-bottom:1px solid #999;font-weight:600}}td:first-child,th:first-child{{text-align:left}}
tr.model td{{background:#eef3fb;font-weight:600}}
img{{max-width:100%;image-rendering:pixelated}}code,pre{{font-size:.85em;white-space:pre-wrap}}
input[type=range]{{width:min(30rem,100%)}}</style>
<h1>{title}</h1><p>{about}</p>
<h2>Scores</h2><table>{rows}</table>{notes}
{sections}
<h2>Configuration</h2>{configs}</html>
"""

SLIDER = """<h2>Samples during training</h2>
<p><input type="range" id="at" min="0" max="{last}" value="{last}" aria-label="examples seen">
<output id="seen"></output> examples seen</p><p><img id="grid" alt="samples of the same latents"></p>
<script>const frames={frames};const at=document.getElementById("at");
function show(){{const [seen,source]=frames[at.value];document.getElementById("grid").src=source;
document.getElementById("seen").textContent=seen.toLocaleString("en")}}at.oninput=show;show()</script>
"""


def page(title: str, about: str, report: Report, sections: Sequence[str], configs: Mapping[str, Config]) -> str:
    """The page: scores, these sections, and the configurations by name."""
    return PAGE.format(
        title=html.escape(title),
        about=html.escape(about),
        rows=table(report),
        notes="".join(f"<p><code>{html.escape(note)}</code></p>" for note in report.notes()),
        sections="\n".join(sections),
        configs="".join(_details(name, json.dumps(asdict(config), indent=1)) for name, config in configs.items()),
    )


def _details(summary: str, text: str) -> str:
    return f"<details><summary>{html.escape(summary)}</summary><pre>{html.escape(text)}</pre></details>"


def table(report: Report) -> str:
    """The scores; models' rows are highlighted."""
    head, *body = report.cells()
    given = [' class="model"'] * report.models + [""] * (len(body) - report.models)
    return "".join([_row(head, "th"), *(_row(cells, "td", how) for cells, how in zip(body, given, strict=True))])


def _row(cells: Sequence[str], tag: str, given: str = "") -> str:
    return f"<tr{given}>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"


def list_section(heading: str, lines: Sequence[str]) -> str:
    return f"<h2>{html.escape(heading)}</h2><ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


ELEMENTS = {
    "png": '<img src="data:image/png;base64,{}" alt="{}">',
    "gif": '<img src="data:image/gif;base64,{}" alt="{}">',
    "wav": '<audio controls src="data:audio/wav;base64,{}" aria-label="{}"></audio>',
}
"""By kind of a preview, for its bytes and a heading; other kinds are text."""


def preview_section(heading: str, preview: Preview) -> str:
    heading = html.escape(heading)
    if preview.kind in ELEMENTS:
        element = ELEMENTS[preview.kind].format(base64.b64encode(preview.content).decode(), heading)
        return f"<h2>{heading}</h2><p>{element}</p>"
    text = preview.content.decode()
    return f"<h2>{heading}</h2>{text if preview.kind == 'html' else f'<pre>{html.escape(text)}</pre>'}"


def slider(folder: Path) -> str:
    """A slider over the run's sample grids; "" without any."""
    paths = sorted(path for path in folder.glob("*.png") if path.stem.isdigit())
    step = -(-len(paths) // FRAMES) or 1
    shown = sorted({*paths[::step], *paths[-1:]})
    frames = [[int(path.stem), _uri(path.read_bytes())] for path in shown]
    return SLIDER.format(last=len(frames) - 1, frames=json.dumps(frames)) if frames else ""


def data_uri(picture: Image.Image, form: str = "PNG") -> str:
    """A picture as the source of an <img>."""
    file = BytesIO()
    picture.save(file, form)
    return _uri(file.getvalue(), form)


def _uri(content: bytes, form: str = "PNG") -> str:
    return f"data:image/{form.lower()};base64,{base64.b64encode(content).decode()}"
