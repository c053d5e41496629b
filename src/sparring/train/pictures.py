"""The pictures and the page a finished run leaves: curves, samples beside real images, and `report.html`."""

import html
from pathlib import Path

from PIL import Image

from sparring.data import Data
from sparring.data.pixels import grid
from sparring.metrics.report import Report
from sparring.model import Model
from sparring.train.config import Config
from sparring.train.journal import Entry, Journal

SHOWN, COLUMNS = 64, 8


def leave_pictures(folder: Path, data: Data, model: Model, report: Report) -> None:
    entries = Journal(folder / "journal.jsonl").entries
    beside(model, data).save(folder / "samples" / "beside.png")
    curves(entries, folder / "curves.png")
    (folder / "report.html").write_text(page(folder, report))


def beside(model: Model, data: Data) -> Image.Image:
    """64 real images on the left, 64 samples on the right, a gap between; small ones enlarged."""
    scale = max(1, 32 // data.shape[1])
    real, fake = (grid(p, COLUMNS, scale=scale) for p in (data.test.pixels[:SHOWN], model.sample(SHOWN)))
    gap = real.width // 16
    picture = Image.new("RGB", (real.width + gap + fake.width, max(real.height, fake.height)), "white")
    picture.paste(real, (0, 0))
    picture.paste(fake, (real.width + gap, 0))
    return picture


def curves(entries: list[Entry], path: Path) -> None:
    """Losses and selection score over images seen, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    losses, score = figure.subplots(1, 2)
    seen = [entry["images"] for entry in entries]
    for name in dict.fromkeys(name for entry in entries for name in entry["losses"]):
        losses.plot(seen, [entry["losses"].get(name) for entry in entries], label=name)
    losses.set(title="losses", xlabel="images seen")
    losses.legend(fontsize="small")
    score.plot(seen, [entry["frechet"] for entry in entries], marker=".")
    score.set(title="Fréchet distance (selection part)", xlabel="images seen", yscale="log")
    figure.savefig(path, dpi=110)


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td,th{{padding:.2rem .8rem;text-align:right}}td:first-child,th:first-child{{text-align:left}}
img{{max-width:100%;image-rendering:pixelated}}code{{font-size:.85em}}</style>
<h1>{title}</h1><p>{about}</p>
<h2>Scores</h2><table><tr><th></th><th>Fréchet ↓</th><th>samples</th></tr>{rows}</table><p><code>{protocol}</code></p>
<h2>Real (left) and generated (right)</h2><img src="samples/beside.png" alt="real images beside samples">
<h2>Training</h2><img src="curves.png" alt="loss and score curves"></html>
"""


def page(folder: Path, report: Report) -> str:
    config, _ = Config.load(folder)
    rows = "".join(
        f"<tr><td>{html.escape(row.name)}</td><td>{row.frechet:,.2f}</td><td>{row.samples:,}</td></tr>"
        for row in report.rows
    )
    about = f"{config.recipe.name} ({config.recipe.paper}), {config.data}, seed {config.seed}, {config.images:,} images"
    return PAGE.format(
        title=html.escape(folder.resolve().name),
        about=html.escape(about),
        rows=rows,
        protocol=html.escape(report.protocol),
    )
