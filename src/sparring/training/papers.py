"""What a finished run leaves to look at: curves, samples beside real images, `report.html`, and the model card."""

import html
from pathlib import Path

from PIL import Image

from sparring.data import Data
from sparring.data.media import MEDIA
from sparring.metrics.report import Report
from sparring.model import Model
from sparring.training.config import Config
from sparring.training.journal import Entry, Journal
from sparring.training.run import SHOWN


def leave_papers(folder: Path, config: Config, data: Data, model: Model, report: Report) -> None:
    beside(model, data).save(folder / "samples" / "beside.png")
    curves(Journal(folder / "journal.jsonl").entries, folder / "curves.png")
    (folder / "report.html").write_text(page(folder.resolve().name, config, report))
    (folder / "model" / "README.md").write_text(card(config, data, report))


def beside(model: Model, data: Data) -> Image.Image:
    """Real examples on the left, as many samples on the right, a gap between."""
    n, picture = SHOWN[data.medium], MEDIA[data.medium].picture
    real, fake = picture(data.test.values[:n]), model.look(n)
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
    if entries:
        losses.legend(fontsize="small")
    leading = next(iter(entries[0]["scores"]), "") if entries else ""
    scores = [entry["scores"][leading] for entry in entries]
    score.plot(seen, scores, marker=".")
    scale = "log" if min(scores, default=0) > 0 else "linear"
    score.set(title=f"{leading} (selection part)", xlabel="images seen", yscale=scale)
    figure.savefig(path, dpi=110)


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td,th{{padding:.2rem .8rem;text-align:right}}td:first-child,th:first-child{{text-align:left}}
img{{max-width:100%;image-rendering:pixelated}}code{{font-size:.85em}}</style>
<h1>{title}</h1><p>{about}</p>
<h2>Scores</h2><table>{rows}</table>{notes}
<h2>Real (left) and generated (right)</h2><img src="samples/beside.png" alt="real images beside samples">
<h2>Training</h2><img src="curves.png" alt="loss and score curves"></html>
"""


def page(title: str, config: Config, report: Report) -> str:
    lines = [[html.escape(cell) for cell in line] for line in report.cells()]
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    notes = "".join(f"<p><code>{html.escape(note)}</code></p>" for note in report.notes())
    texts = {"title": title, "about": about(config)}
    return PAGE.format(rows=rows, notes=notes, **{name: html.escape(text) for name, text in texts.items()})


def about(config: Config) -> str:
    recipe = config.recipe
    return f"{recipe.name} ({recipe.paper}) on {config.data}, seed {config.seed}, {config.images:,} images seen at most"


CARD = """# {title}

{about}.

- trained on: {data} (fingerprint {fingerprint}), {n:,} images of {shape}
- samples imitate that set, its gaps and biases included, and may come close to single images of it

{rows}

{notes}.

`sparring.load("…").sample(16, seed=0)` draws from it; `model.json` and the safetensors beside it are all it needs.
"""


def card(config: Config, data: Data, report: Report) -> str:
    head, *rows = report.cells()
    return CARD.format(
        title=f"{config.recipe.name} on {config.data}",
        about=about(config),
        data=data.spec,
        fingerprint=data.fingerprint,
        n=len(data.train),
        shape="×".join(map(str, data.shape)),
        rows="\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows]),
        notes=".\n\n".join(report.notes()),
    )
