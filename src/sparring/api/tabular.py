"""Synthetic tables: fit, sample, save, load."""

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring import api
from sparring.data.table.arrow import libraries
from sparring.data.table.frames import index_note, restored_frame
from sparring.data.table.infer import Kind
from sparring.data.table.load import table_data
from sparring.errors import Interrupted, UserError
from sparring.metrics.report import Report
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.recipes import Recipe
from sparring.sampling.rows import sample_rows, schema_of


class Synthesizer:
    """A model of a table.

    Args:
        report: its scores, if it was just fitted.
        pandas: sample pandas frames, otherwise Arrow tables.
    """

    def __init__(self, model: Model, report: Report | None = None, pandas: bool = True):
        self.model, self.schema, self.report, self.pandas = model, schema_of(model), report, pandas

    def sample(self, n: int, conditions: Mapping[str, Any] | None = None, seed: int = 0) -> Any:
        """n rows with the schema of the fitted table.

        Args:
            conditions: values of columns that all rows have: {"income": ">50K", "age": (30, 40)}; a list for any of
                several values, None for missing.

        Raises:
            UserError: an unknown column or value, or constraints that are hardly ever satisfied.
        """
        table = self.schema.table(sample_rows(self.model, n, seed, conditions))
        return restored_frame(table) if self.pandas else table

    def save(self, folder: str | Path) -> None:
        """Writes `model.json` and weights into a new folder. Raises UserError if it exists."""
        if Path(folder).exists():
            raise UserError(f"{folder} exists already: choose another folder")
        self.model.save(Path(folder), "best")

    @staticmethod
    def load(folder: str | Path, pandas: bool = True) -> "Synthesizer":
        """Reads such a folder, or a run folder. Raises UserError if it has no model of a table."""
        return Synthesizer(load_model(folder), pandas=pandas)


def fit(
    table: Any,
    recipe: str | Recipe = "table",
    *,
    columns: Mapping[Any, str | Kind] = {},
    constraints: Sequence[str] | str = (),
    target: Any = "",
    test: Any = None,
    out: str | Path | None = None,
    **settings,
) -> Synthesizer:
    """Fits a model to a table.

    Args:
        table: a pandas frame or Arrow table. Rows of samples have the frame's labels of columns and its index, which is
            learnt as columns are, unless it is unnamed whole numbers: these count the rows.
        columns: by label, kinds of columns that are inferred wrongly: 'number', 'category', 'identifier', 'drop', or a
            `Kind` with bounds and decimals.
        constraints: conditions on every row, such as "start <= end" (see `sparring.data.table.constraints`).
        target: the target column for ML efficacy; by default the last.
        test: held-out rows for the scores, without those that have a category unknown to the table; by default every
            sixth row of the table.
        out: a run folder to write, with journal and report; by default a temporary one.
        settings: of `sparring.train`: images, minutes, until, seed, …

    Raises:
        UserError: a table that can't be learnt.
        Interrupted: Ctrl-C or SIGTERM.
    """
    kinds = {str(name): kind if isinstance(kind, Kind) else Kind(str(kind)) for name, kind in columns.items()}
    conditions = (constraints,) if isinstance(constraints, str) else constraints
    data = table_data("a table", table, kinds, conditions, "" if target is None else str(target), test)
    frame = isinstance(table, libraries()[0].DataFrame)
    if frame and (note := index_note(table)):
        print(note, file=sys.stderr)
    temporary = tempfile.mkdtemp(prefix="sparring-") if out is None else None
    folder = Path(temporary or "", "run") if out is None else Path(out)
    try:
        run = api.train(recipe, data, folder, **settings)
        if run.outcome == "interrupted":
            kept = f"its model so far is in {out}" if out else "nothing is kept without out=FOLDER"
            raise Interrupted(f"fit was interrupted after {run.loop.seen:,} rows: {kept}")
        return Synthesizer(load_model(folder), run.report, frame)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
