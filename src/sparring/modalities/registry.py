"""The modalities by name."""

from sparring.data import Dataset
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.judge import Judge
from sparring.modalities.base import Modality
from sparring.modalities.image import IMAGE
from sparring.modalities.pair import PAIR
from sparring.modalities.point import POINT
from sparring.modalities.table import TABLE
from sparring.recipes import Recipe

MODALITIES: dict[str, Modality] = {modality.name: modality for modality in (IMAGE, PAIR, POINT, TABLE)}


def modality_of(data: Dataset) -> Modality:
    return MODALITIES[data.modality]


def judge(data: Dataset, features: str | FeatureExtractor | None = None) -> Judge:
    """Raises UserError for features that do not exist or do not suit the data."""
    return modality_of(data).judge(data, features)


def for_recipe(data: Dataset, recipe: Recipe) -> Dataset:
    """The data as the recipe learns it. Raises UserError for data that it can't learn."""
    return MODALITIES[recipe.modality].prepare(data, recipe)
