"""Plots of tables: column histograms and association matrices."""

import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.data.table.binned import association, binned, compared_columns
from sparring.data.table.columns import Category, Column, Follower, Number
from sparring.data.table.schema import Schema
from sparring.errors import one_line

_MAX_COLUMNS = 32
"""Columns plotted."""
_PER_ROW = 4
_BARS, _BINS = 12, 40
"""Categories plotted per column; bins of a histogram."""
_TITLE = 40
"""Characters of a title."""
_COLOURS = ("#999999", "#2b6cb0")


def histograms(schema: Schema, tables: Mapping[str, Tensor]) -> Image.Image:
    """Overlaid column histograms and association matrices of tables of cells (n, columns); the first sets the bins."""
    down = -(-len(compared_columns(schema)[:_MAX_COLUMNS]) // _PER_ROW)
    figure = _figure(2.1 * down + 3.6, layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[2.1 * down, 3.6])
    _columns(above.subplots(down, _PER_ROW, squeeze=False).flat, schema, tables)
    _maps(below, schema, tables)
    return _to_image(figure)


def sketch(schema: Schema, cells: Tensor) -> Image.Image:
    """Histograms without axes: fast enough for previews in training."""
    down = -(-len(compared_columns(schema)[:_MAX_COLUMNS]) // _PER_ROW)
    figure = _figure(1.4 * down)
    grid = figure.subplots(down, _PER_ROW, squeeze=False, subplot_kw={"xticks": [], "yticks": []}).flat
    _columns(grid, schema, {"": cells})
    for axes in figure.axes:
        axes.set(xticks=[], yticks=[])
    return _to_image(figure)


def _figure(height: float, **how: Any) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * _PER_ROW, height), **how)
    FigureCanvasAgg(figure)
    return figure


def _to_image(figure: Any) -> Image.Image:
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names in any script; the others are readable
        figure.savefig(file, dpi=80)
    return Image.open(file).convert("RGB")


def _columns(grid: Any, schema: Schema, tables: Mapping[str, Tensor]) -> None:
    grid, shown = list(grid), compared_columns(schema)[:_MAX_COLUMNS]
    for axes, i in zip(grid, shown, strict=False):
        _column(axes, schema.columns[i], {name: cells[:, i].numpy() for name, cells in tables.items()})
    for axes in grid[len(shown) :]:
        axes.set_axis_off()


def _column(axes: Any, column: Column, cells: Mapping[str, np.ndarray]) -> None:
    bare = column.column if isinstance(column, Follower) else column
    axes.set_title(one_line(column.name)[:_TITLE], fontsize="small", parse_math=False)
    axes.tick_params(labelsize="x-small")
    if isinstance(bare, Category):
        _bars(axes, bare, cells)
    elif isinstance(bare, Number):
        _parts(axes, bare, cells)
    if "" not in cells:
        axes.legend(fontsize="x-small")


def _bars(axes: Any, column: Category, cells: Mapping[str, np.ndarray]) -> None:
    n = min(len(column.values), _BARS)
    names = [str(value)[:14] for value in column.values[:n]] + ["missing"]
    for k, (name, values) in enumerate(cells.items()):
        counts = [(values == i).mean() for i in range(n)] + [np.isnan(values).mean()]
        width = 0.8 / len(cells)
        axes.bar(np.arange(n + 1) + k * width, counts, width, label=name, color=_COLOURS[k % 2])
    axes.set_xticks(range(n + 1), names, rotation=60, ha="right", fontsize="xx-small", parse_math=False)


def _parts(axes: Any, column: Number, cells: Mapping[str, np.ndarray]) -> None:
    present = {name: values[~np.isnan(values)] * column.unit + column.origin for name, values in cells.items()}
    first = next(iter(present.values()))
    edges = (
        np.linspace(np.quantile(first, 0.005), np.quantile(first, 0.995), _BINS + 1) if len(first) else np.arange(2.0)
    )
    if edges[0] == edges[-1]:
        edges = edges[0] + np.linspace(-0.5, 0.5, _BINS + 1)
    for k, (name, values) in enumerate(present.items()):
        weights = np.full(len(values), 1 / max(len(values), 1))
        values = values.clip(edges[0], edges[-1])
        axes.hist(values, edges, weights=weights, alpha=0.6, label=name, color=_COLOURS[k % 2])


def _maps(figure: Any, schema: Schema, tables: Mapping[str, Tensor]) -> None:
    names = [schema.columns[i].name[:14] for i in compared_columns(schema)[:_MAX_COLUMNS]]
    first = next(iter(tables.values()))
    for axes, name, bins in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables, binned(schema, first, *tables.values()), strict=True
    ):
        axes.imshow(association(bins[:, :_MAX_COLUMNS]).numpy(), vmin=0, vmax=1, cmap="magma")
        axes.set_title(f"association of columns (Cramér's V) {name}", fontsize="small")
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize="xx-small", parse_math=False)
        axes.set_yticks(range(len(names)), names, fontsize="xx-small", parse_math=False)
