"""The judge of a data set, by its medium."""

from collections.abc import Callable
from dataclasses import fields, replace

from sparring.data import Dataset
from sparring.data.points import MIXTURES
from sparring.errors import UserError
from sparring.metrics.baseline_cache import BaselineCache
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData
from sparring.metrics.image.judge import ImageJudge, judge_images
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit
from sparring.metrics.judge import Judge
from sparring.metrics.point.judge import PointJudge
from sparring.metrics.table.judge import TableJudge
from sparring.storage.atomic import cache_folder

JUDGED = 60_000
"""Images of a part of a prepared set that the judge looks at: features of all of them would not fit."""
SUITED = {"stacked-mnist": "stacked"}
"""Features of sets that are judged by others than images are as a rule."""


def _images(data: Dataset, features: str | FeatureExtractor | None) -> ImageJudge:
    train, test = (data.train[:JUDGED], data.test[:JUDGED]) if data.mapped else (data.train, data.test)
    pictures = JudgeData(train.values, test.values, train.labels, data.classes, data.fingerprint, test.labels)
    return judge_images(pictures, cache_folder(), features or SUITED.get(data.spec))


def _pictures(data: Dataset, features: str | FeatureExtractor | None) -> PairedJudge:
    """Of data as a recipe has posed it; of two domains alone, by their test pictures."""
    plain = _images(replace(data, medium="image"), features)
    parts = {"select": data.select or data.test, "report": data.test}
    held = {
        name: PairedSplit(part.condition, part.values, part.mask_known, part.labels)
        for name, part in parts.items()
        if part.condition is not None
    }
    own = {f.name: getattr(plain, f.name) for f in fields(plain)}
    return PairedJudge(**own, references=held, paired=not data.unpaired, selected_by=data.leading)  # pyright: ignore[reportArgumentType]


def _points(data: Dataset, features: str | FeatureExtractor | None) -> PointJudge:
    if features is not None:
        raise UserError("points are judged by their modes, not by features: leave features out")
    mixture = MIXTURES[data.spec]
    return PointJudge(data.test.values, mixture.modes, mixture.sigma)


def _tables(data: Dataset, features: str | FeatureExtractor | None) -> TableJudge:
    if features is not None:
        raise UserError("tables are judged column by column, not by features: leave features out")
    assert data.schema is not None
    return TableJudge(data.schema, data.train.values, data.test.values)


JUDGES: dict[str, Callable[[Dataset, str | FeatureExtractor | None], Judge]] = {
    "image": _images,
    "pair": _pictures,
    "point": _points,
    "table": _tables,
}


def judge(data: Dataset, features: str | FeatureExtractor | None = None) -> Judge:
    """Raises UserError for features that are not there, or do not suit the data."""
    return JUDGES[data.medium](data, features)


def shelf(data: Dataset) -> BaselineCache:
    """Where the trivial rows of this data are kept."""
    return BaselineCache(cache_folder() / "rows", data.fingerprint)
