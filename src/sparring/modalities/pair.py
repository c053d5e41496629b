"""Image pairs: each image (n, c, h, w) with the one it is made from, for image-to-image recipes."""

from dataclasses import fields, replace

import torch

from sparring.data import Dataset
from sparring.data.load import DataSource, load_pairs
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit
from sparring.modalities.array_source import InMemory, Paired
from sparring.modalities.base import Confidence, Preview, Sampler, Words
from sparring.modalities.image import ImageModality
from sparring.modalities.pair_split import image_to_image_data
from sparring.recipes import Recipe
from sparring.recipes.choose import Choice, DataSummary, choose_for_pairs


class PairModality(ImageModality):
    name = "pair"
    words = Words("pair", "pairs")
    preview_count = 72
    chunk = 50
    translates = True
    legend = "Given, made, right (three by three)"
    usage = '`sparring.load("…").apply(pictures)` makes more of them'

    def probe(self, source: DataSource) -> Confidence | None:
        if source.domains:
            return Confidence(0.9, "folders of two domains")
        asked = bool(source.images and source.options.direction)
        return Confidence(0.9, "a direction between two domains") if asked else None

    def load(self, source: DataSource) -> Dataset:
        return replace(load_pairs(source), modality=self.name)

    def comparison(self, data: Dataset, model: Sampler) -> Preview:
        """Inputs, outputs and right answers, as previews of these models are."""
        return model.preview(self.preview_count)

    def source(self, data: Dataset, device: torch.device, conditional: bool = False) -> InMemory:
        """Data without inputs is degraded, or moved to another class, in training."""
        if data.train.condition is None:
            return super().source(data, device)
        return Paired(self, data, device)

    def judge(self, data: Dataset, features: str | FeatureExtractor | None = None) -> PairedJudge:
        """Of two domains that no recipe has prepared, by their test images alone."""
        plain = super().judge(data, features)
        parts = {"select": data.select or data.test, "report": data.test}
        references = {
            name: PairedSplit(part.condition, part.values, part.mask_known, part.labels)
            for name, part in parts.items()
            if part.condition is not None
        }
        own = {f.name: getattr(plain, f.name) for f in fields(plain)}
        return PairedJudge(**own, references=references, paired=not data.unpaired, selected_by=data.leading)  # pyright: ignore[reportArgumentType]

    def prepare(self, data: Dataset, recipe: Recipe) -> Dataset:
        return image_to_image_data(data, recipe)

    def suggest(self, data: DataSummary) -> Choice:
        return choose_for_pairs(data)


PAIR = PairModality()
