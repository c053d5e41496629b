"""Features that no label taught."""

import torch
from sklearn.neighbors import KNeighborsClassifier

from sparring.metrics.features import self_supervised
from sparring.metrics.features.extractors import random_features
from sparring.metrics.features.self_supervised import TEMPERATURE, augment_view, nt_xent, self_features
from sparring.modalities.load import load_dataset


def test_the_loss_by_hand():
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, 5, generator=g, dtype=torch.float64) for _ in range(2))
    views = [v / v.norm() for v in [*a, *b]]
    total = 0.0
    for i in range(6):
        likeness = [torch.exp(views[i] @ views[j] / TEMPERATURE) for j in range(6)]
        total -= torch.log(likeness[(i + 3) % 6] / (sum(likeness) - likeness[i]))
    torch.testing.assert_close(nt_xent(a, b), total / 6)


def test_changes_keep_the_shape_and_the_seed_fixes_them():
    images = torch.rand(6, 2, 9, 12, generator=torch.Generator().manual_seed(1))
    first, again, other = (augment_view(images, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first.shape == images.shape and torch.equal(first, again) and not torch.equal(first, other)


def test_they_know_digits_better_than_random_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(self_supervised, "_STEPS", 150)
    data = load_dataset("digits")
    train, labels = data.train.values[:998], data.train.labels[:998]
    found = {}
    for features in (self_features(train, tmp_path / "kept.safetensors"), random_features(1)):
        x, y = features(train[:200]).numpy(), labels[:200].numpy()
        judge = KNeighborsClassifier(3).fit(x, y)
        found[features.name] = judge.score(features(data.test.values).numpy(), data.test.labels.numpy())
    assert found["self"] > 0.95 and 1 - found["self"] < 0.6 * (1 - found["random"])
    assert self_features(train, tmp_path / "kept.safetensors").digest == self_features(train, tmp_path / "b").digest
