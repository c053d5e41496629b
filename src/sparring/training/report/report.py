"""What a finished run leaves to look at: curves, samples beside real images, `report.html`, and the model card. And the
page of a comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from sparring.data import Dataset
from sparring.metrics.judge import Judge
from sparring.metrics.report import Report
from sparring.modalities.base import Preview
from sparring.modalities.registry import modality_of
from sparring.models.model import Model
from sparring.storage.atomic import write_bytes
from sparring.training.config.config import Config
from sparring.training.health.alarms import RaisedAlarm
from sparring.training.journal import Entry, Journal
from sparring.training.report.html import list_section, page, preview_section, slider
from sparring.training.report.plots import compare_curves, curves


def write_report(folder: Path, config: Config, data: Dataset, model: Model, jury: Judge, report: Report) -> None:
    modality, entries = modality_of(data), Journal(folder / "journal.jsonl").entries
    comparison, training = modality.comparison(data, model), Preview.png(curves(entries))
    write_bytes(folder / "samples" / f"beside.{comparison.kind}", comparison.content)
    write_bytes(folder / "curves.png", training.content)
    sections = [
        preview_section(modality.legend, comparison),
        *nearest_training("Samples most like a copy, and of what", model.sample(SEARCHED), data, jury),
        preview_section("Training", training),
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
    modality = modality_of(data)
    n = modality.preview_count
    sections = [preview_section("Real", modality.preview(data.test.values[:n], data.facts))]
    for name, values in drawn.items():
        sections.append(preview_section(name, modality.preview(values[:n], data.facts)))
        sections += nearest_training(f"{name}: most like a copy, and of what", values[:SEARCHED], data, jury)
    configs = {name: Config.load(Path(name))[0] for name in drawn if (Path(name) / "run.json").exists()}
    journals = {name: Journal(Path(name) / "journal.jsonl").entries for name in configs}
    if any(journals.values()):
        sections.append(preview_section("Training", Preview.png(compare_curves(journals))))
    told = f"{', '.join(drawn)}; judged by {data.spec}"
    write_bytes(path, page("Side by side", told, report, sections, configs).encode())


def nearest_training(heading: str, values: Tensor, data: Dataset, jury: Judge) -> list[str]:
    """The pairs, if the judge tells any."""
    pairs = jury.nearest_training(values)
    return [] if pairs is None else [preview_section(heading, modality_of(data).preview(pairs, data.facts, PAIRS))]


SEARCHED = 2_000
"""Samples, for those most like a training example."""
PAIRS = 8
"""Columns: four pairs a row."""


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
        use=modality_of(data).usage,
    )
