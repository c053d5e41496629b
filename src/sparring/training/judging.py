"""The judge of a data set, by its medium."""

from collections.abc import Callable

from sparring.data import Data
from sparring.data.points import MIXTURES
from sparring.files import cache
from sparring.metrics.judges import ImageJudge, PointJudge, judge_images
from sparring.metrics.report import Judge


def _images(data: Data) -> ImageJudge:
    return judge_images(data.train.values, data.test.values, data.train.labels, data.classes, data.fingerprint, cache())


def _points(data: Data) -> PointJudge:
    mixture = MIXTURES[data.spec]
    return PointJudge(data.test.values, mixture.modes, mixture.sigma)


JUDGES: dict[str, Callable[[Data], Judge]] = {"image": _images, "point": _points}


def judge(data: Data) -> Judge:
    return JUDGES[data.medium](data)
