"""Plots of runs, from their journals."""

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from sparring.training.journal import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def curves(entries: list[Entry]) -> Image.Image:
    """Losses and the selection score over examples seen."""
    figure = _figure()
    left, right = figure.subplots(1, 2)
    seen = [entry["examples"] for entry in entries]
    for name in dict.fromkeys(name for entry in entries for name in entry["losses"]):
        left.plot(seen, [entry["losses"].get(name) for entry in entries], label=name)
    left.set(title="losses", xlabel="examples seen")
    if entries:
        left.legend(fontsize="small")
    _scores(right, {"": entries})
    return _rendered(figure)


def compare_curves(journals: Mapping[str, list[Entry]]) -> Image.Image:
    """The selection scores of several runs, by name."""
    figure = _figure()
    axes = figure.subplots()
    _scores(axes, journals)
    axes.legend(fontsize="small")
    return _rendered(figure)


def _scores(axes: "Axes", journals: Mapping[str, list[Entry]]) -> None:
    """The selection score of each run."""
    journals = {name: entries for name, entries in journals.items() if entries}
    scores = {name: [next(iter(entry["scores"].values())) for entry in runs] for name, runs in journals.items()}
    for name, values in scores.items():
        axes.plot([entry["examples"] for entry in journals[name]], values, marker=".", label=name)
    taken = dict.fromkeys(next(iter(entries[0]["scores"])) for entries in journals.values())
    positive = all(value > 0 for values in scores.values() for value in values)
    axes.set(
        title=f"{', '.join(taken)} (validation split)", xlabel="examples seen", yscale="log" if positive else "linear"
    )


def _figure() -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _rendered(figure: "Figure") -> Image.Image:
    file = BytesIO()
    figure.savefig(file, dpi=110)
    return Image.open(file)
