"""What a finished run leaves to look at: curves, samples beside real images, `report.html`, and the model card. And the
page of a comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.metrics.report import Report
from sparring.modalities.base import medium
from sparring.models.model import Model
from sparring.storage.atomic import atomic_write, write_bytes
from sparring.training.config.config import Config
from sparring.training.health.alarms import RaisedAlarm
from sparring.training.report.html import image_section, list_section, page, slider
from sparring.training.report.plots import compare_curves, curves
from sparring.training.run.journal import Entry, Journal
from sparring.training.run.run import SHOWN


def write_report(folder: Path, config: Config, data: Dataset, model: Model, jury: Judge, report: Report) -> None:
    shown = real_vs_generated(model, data)
    entries = Journal(folder / "journal.jsonl").entries
    training = curves(entries)
    for path, picture in ((folder / "samples" / "beside.png", shown), (folder / "curves.png", training)):
        with atomic_write(path) as aside:
            picture.save(aside, "PNG")
    sections = [
        image_section(LEGENDS.get(data.medium, "Real (left) and generated (right)"), shown),
        *nearest_training("Samples most like a copy, and of what", model.sample(SEARCHED), data, jury),
        image_section("Training", training),
        list_section("Health", health(config, entries)),
        slider(folder / "samples"),
    ]
    html = page(folder.resolve().name, about(config), report, sections, {"All of it": config})
    write_bytes(folder / "report.html", html.encode())
    write_bytes(folder / "model" / "README.md", model_card(config, data, report).encode())


def health(config: Config, entries: Sequence[Entry]) -> list[str]:
    """What the run was healed of, and each alarm since, with the images seen when it was first and last raised."""
    raised: dict[str, list[tuple[int, RaisedAlarm]]] = {}
    for entry in entries:
        for alarm in entry.get("alarms", []):
            raised.setdefault(alarm["name"], []).append((entry["examples"], RaisedAlarm(**alarm)))
    spans = [f"after {found[0][0]:,} to {found[-1][0]:,} images: {found[-1][1].text()}" for found in raised.values()]
    return [remedy.text() for remedy in config.adjustments] + spans or ["no alarm was raised"]


def write_comparison(path: Path, report: Report, drawn: Mapping[str, Tensor], data: Dataset, jury: Judge) -> None:
    """One page of models side by side: scores, samples, the likeliest copies, how their runs went.

    Args:
        drawn: samples (n, …) by name; a run's name is its folder.
    """
    picture, n = medium(data.medium, data.schema).picture, SHOWN[data.medium]
    sections = [image_section("Real", picture(data.test.values[:n]))]
    for name, values in drawn.items():
        sections.append(image_section(name, picture(values[:n])))
        sections += nearest_training(f"{name}: most like a copy, and of what", values[:SEARCHED], data, jury)
    configs = {name: Config.load(Path(name))[0] for name in drawn if (Path(name) / "run.json").exists()}
    journals = {name: Journal(Path(name) / "journal.jsonl").entries for name in configs}
    if any(journals.values()):
        sections.append(image_section("Training", compare_curves(journals)))
    told = f"{', '.join(drawn)}; judged by {data.spec}"
    write_bytes(path, page("Side by side", told, report, sections, configs).encode())


def nearest_training(heading: str, values: Tensor, data: Dataset, jury: Judge) -> list[str]:
    """The pairs, if the judge tells any."""
    pairs = jury.nearest_training(values)
    return [] if pairs is None else [image_section(heading, medium(data.medium, data.schema).picture(pairs, PAIRS))]


LEGENDS = {"pair": "Given, made, right (three by three)"}
"""Above the picture, where it is not of real and generated ones."""
USES = {"pair": '`sparring.load("…").apply(pictures)` makes more of them'}
"""How a model is used, where it does not draw samples."""
SEARCHED = 2_000
"""Samples, for those most like a training example."""
PAIRS = 8
"""Columns: four pairs a row."""


def real_vs_generated(model: Model, data: Dataset) -> Image.Image:
    """Real examples on the left, as many samples on the right, a gap between; or as the medium has it."""
    n, kind = SHOWN[data.medium], medium(data.medium, data.schema)
    picture = kind.picture
    if data.medium == "pair":
        return model.preview(n)
    if kind.compare_picture is not None:
        return kind.compare_picture(data.test.values[:n], model.sample(n))
    real, fake = picture(data.test.values[:n]), model.preview(n)
    gap = real.width // 16
    picture = Image.new("RGB", (real.width + gap + fake.width, max(real.height, fake.height)), "white")
    picture.paste(real, (0, 0))
    picture.paste(fake, (real.width + gap, 0))
    return picture


def about(config: Config) -> str:
    recipe = config.recipe
    return f"{recipe.name} ({recipe.paper}) on {config.data}, seed {config.seed}, {config.examples:,} examples"


CARD = """# {title}

{about}.

- trained on: {data} (fingerprint {fingerprint}), {n:,} images of {shape}
- samples imitate that set, its gaps and biases included, and may come close to single images of it

{rows}

{notes}.

{use}; `model.json` and the safetensors beside it are all it needs.
"""


def model_card(config: Config, data: Dataset, report: Report) -> str:
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
        use=USES.get(data.medium, '`sparring.load("…").sample(16, seed=0)` draws from it'),
    )
