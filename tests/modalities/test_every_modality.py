"""Every modality answers everything that the rest of the library asks of it."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from sparring.data import Options
from sparring.data.load import DataSource
from sparring.errors import UserError
from sparring.modalities.base import Confidence, Modality, SampleStream
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import MODALITIES, modality_of
from sparring.recipes import RECIPES
from sparring.recipes.choose import DataSummary


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    """A SPEC and its options for each modality."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("specs")
    g = np.random.default_rng(0)
    for domain in ("trainA", "trainB"):
        (folder / domain).mkdir()
        for i in range(24):
            pixels = g.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / domain / f"{i:02d}.png")
    rows = "\n".join(f"{g.normal():.3f},{'ab'[i % 2]}" for i in range(60))
    (folder / "table.csv").write_text(f"x,kind\n{rows}\n")
    return {"image": "digits", "pair": str(folder), "point": "ring", "table": str(folder / "table.csv")}


def test_all_are_tested(specs):
    assert set(specs) == set(MODALITIES)


@pytest.mark.parametrize("name", MODALITIES)
def test_it_answers(name, specs, tmp_path, quick_judge):
    data, modality = load_dataset(specs[name]), MODALITIES[name]
    assert modality_of(data) is modality and modality.name == name and modality.words.example
    assert isinstance(data.facts, modality.facts_type)
    values = data.test.values[:16]
    encoded = modality.encode(values, data.facts)
    assert encoded.dtype == torch.float32 and encoded.shape[1:] == data.shape
    torch.testing.assert_close(modality.decode(encoded, data.facts), values, rtol=1e-3, atol=0.01)
    preview = modality.preview(values, data.facts)
    assert preview.kind in ("png", "wav", "gif", "txt", "html") and preview.content
    real, condition = modality.source(data, torch.device("cpu"))[torch.arange(4)]
    assert real.shape == (4, *data.shape) and (condition is None or len(condition) == 4)
    for ending, writer in modality.writers.items():
        out = tmp_path / f"samples{ending}"
        writer(SampleStream(values.split(3), len(values), data.facts, range(len(values))), out)
        assert out.exists()
    choice = modality.suggest(DataSummary(modality.words.examples, data.shape, len(data.train), data.classes, "cpu"))
    assert choice.recipe in RECIPES.values() and choice.recipe.modality == name and choice.reasons
    assert modality.judge(data, "pixels" if name in ("image", "pair") else None).metrics


@pytest.mark.parametrize("name", MODALITIES)
def test_only_one_is_surest(name, specs):
    found = {other: MODALITIES[other].probe(DataSource(specs[name], Options())) for other in MODALITIES}
    values = {other: confidence.value for other, confidence in found.items() if confidence}
    assert max(values, key=lambda other: values[other]) == name
    assert sorted(values.values())[-2:].count(values[name]) == 1


def test_a_tie_is_refused(monkeypatch):
    class Rival(type(MODALITIES["point"])):
        name = "rival"

        def probe(self, source: DataSource) -> Confidence:
            return Confidence(1.0, "anything")

    assert issubclass(Rival, Modality)
    monkeypatch.setitem(MODALITIES, "rival", Rival())
    with pytest.raises(UserError, match=r"ring can be read as points \(a named mixture\), or points \(anything\)"):
        load_dataset("ring")


def test_nothing_else_asks_which_it_is():
    """Only modalities, and recipes that are made for one, name a modality."""
    root = Path(sparring.__file__).parent
    files = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.py")}
    asks = re.compile(r'(medium|modality) == |schema is (not )?None|"pair"')
    assert not [
        name
        for name, text in files.items()
        if asks.search(text) and not name.startswith(("modalities/", "recipes/catalogue/"))
    ]
