"""What a finished run leaves to look at: curves, samples beside real images, `report.html`, and the model card."""

from pathlib import Path

from PIL import Image

from sparring.data import Data
from sparring.data.media import MEDIA
from sparring.metrics.report import Judge, Report
from sparring.model import Model
from sparring.training.config import Config
from sparring.training.journal import Entry, Journal
from sparring.training.page import page
from sparring.training.run import SHOWN


def leave_papers(folder: Path, config: Config, data: Data, model: Model, jury: Judge, report: Report) -> None:
    shown = beside(model, data)
    shown.save(folder / "samples" / "beside.png")
    curves(Journal(folder / "journal.jsonl").entries, folder / "curves.png")
    pictures = {"Real (left) and generated (right)": shown}
    if (pairs := jury.closest(model.sample(SEARCHED))) is not None:
        pictures["Samples most like a copy, and of what"] = MEDIA[data.medium].picture(pairs, PAIRS)
    pictures["Training"] = Image.open(folder / "curves.png")
    html = page(folder.resolve().name, about(config), config, report, pictures, folder / "samples")
    (folder / "report.html").write_text(html)
    (folder / "model" / "README.md").write_text(card(config, data, report))


SEARCHED = 2_000
"""Samples, for those most like a training example."""
PAIRS = 8
"""Columns: four pairs a row."""


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
