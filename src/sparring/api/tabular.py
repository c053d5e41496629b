"""Tables for those who want rows: fit, sample, save, load."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring import api
from sparring.data.table.arrow import libraries
from sparring.data.table.infer import Kind
from sparring.data.table.load import table_data
from sparring.errors import UserError
from sparring.metrics.report import Report
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.recipes import Recipe
from sparring.sampling.rows import sample_rows, schema_of


class Synthesizer:
    """A model of a table.

    Args:
        report: its scores, if it was just fitted.
        pandas: rows come as pandas frames, otherwise as Arrow tables.
    """

    def __init__(self, model: Model, report: Report | None = None, pandas: bool = True):
        self.model, self.schema, self.report, self.pandas = model, schema_of(model), report, pandas

    def sample(self, n: int, conditions: Mapping[str, Any] | None = None, seed: int = 0) -> Any:
        """n rows of the schema that was fitted.

        Args:
            conditions: values of columns that all rows are to have: {"income": ">50K", "age": (30, 40)}; a list for any
                of several, None for missing.

        Raises:
            UserError: a column or value that is not there, or constraints that hardly ever hold.
        """
        table = self.schema.table(sample_rows(self.model, n, seed, conditions))
        return table.to_pandas() if self.pandas else table

    def save(self, folder: str | Path) -> None:
        """Into a new folder: `model.json` and weights. Raises UserError if it exists."""
        if Path(folder).exists():
            raise UserError(f"{folder} exists already: choose another folder")
        self.model.save(Path(folder), "best")

    @staticmethod
    def load(folder: str | Path, pandas: bool = True) -> "Synthesizer":
        """From such a folder, or from a run's. Raises UserError where there is no model of a table."""
        return Synthesizer(load_model(folder), pandas=pandas)


def fit(
    table: Any,
    recipe: str | Recipe = "table",
    *,
    columns: Mapping[str, str | Kind] = {},
    constraints: Sequence[str] = (),
    target: str = "",
    test: Any = None,
    out: str | Path | None = None,
    **settings,
) -> Synthesizer:
    """Learns a table.

    Args:
        table: a pandas frame or Arrow table.
        columns: kinds of columns where what is inferred does not suit: 'number', 'category', 'identifier', 'drop', or a
            `Kind` with bounds and decimals.
        constraints: what must hold in every row, such as "start <= end" (see `sparring.data.table.constraints`).
        target: the column that rows are scored by foretelling; by default the last.
        test: rows to score with, but for those with a category that the table has not; by default every sixth of the
            table's is held out for that.
        out: a run folder to make, with journal and report; by default none is kept.
        settings: as `sparring.train` takes them: images, minutes, until, seed, …

    Raises:
        UserError: a table that can't be learnt, said in one line.
    """
    kinds = {name: said if isinstance(said, Kind) else Kind(said) for name, said in columns.items()}
    data = table_data("a table", table, kinds, constraints, target, test)
    aside = tempfile.mkdtemp(prefix="sparring-") if out is None else None
    folder = Path(aside or "", "run") if out is None else Path(out)
    try:
        run = api.train(recipe, data, folder, **settings)
        return Synthesizer(load_model(folder), run.report, isinstance(table, libraries()[0].DataFrame))
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
