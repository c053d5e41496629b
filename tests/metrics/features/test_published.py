"""Networks of published scores. Their real weights are large and are not had in tests: what is tested is everything
about them, with weights of our own under the published names."""

import hashlib
import math
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sparring.errors import UserError
from sparring.metrics.features import dinov2, published
from sparring.metrics.features.inception import Inception
from sparring.metrics.features.published import (
    PREPROCESSING,
    inception_features,
    inception_from_file,
    module_name,
    resize_like_tf1,
)
from sparring.metrics.features.registry import named_features
from sparring.storage.download import Pin, Remote

IMAGES = torch.randint(256, (2, 1, 16, 20), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
BRANCHES = {
    "Mixed_5b": ["1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool"],
    "Mixed_6a": ["3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3"],
    "Mixed_6b": ["1x1", *(f"7x7_{i}" for i in (1, 2, 3)), *(f"7x7dbl_{i}" for i in (1, 2, 3, 4, 5)), "_pool"],
    "Mixed_7a": ["3x3_1", "3x3_2", *(f"7x7x3_{i}" for i in (1, 2, 3, 4))],
    "Mixed_7b": ["1x1", "3x3_1", "3x3_2a", "3x3_2b", *(f"3x3dbl_{i}" for i in ("1", "2", "3a", "3b")), "_pool"],
}
LIKE = {block: kind for kind, blocks in
        {"Mixed_5b": "bcd", "Mixed_6a": "a", "Mixed_6b": "bcde", "Mixed_7a": "a", "Mixed_7b": "bc"}.items()
        for block in (kind[:-1] + letter for letter in blocks)}  # fmt: skip
STEM = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]


def published_names():
    """Of all convolutions in the published file."""
    return STEM + [f"{block}.branch{branch}" for block, kind in LIKE.items() for branch in BRANCHES[kind]]


@pytest.fixture(scope="module")
def weights():
    """Under the published names."""
    torch.manual_seed(0)
    ours = Inception().state_dict()
    for name, value in ours.items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    theirs = {}
    for conv in published_names():
        kept = module_name(f"{conv}.conv.weight").removesuffix("conv.weight")
        theirs |= {f"{conv}.{name.removeprefix(kept)}": ours[name] for name in ours if name.startswith(kept)}
    return theirs | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


def pinned(path):
    return Pin(path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def test_every_published_weight_finds_its_place(weights):
    names = [module_name(name) for name in weights if not name.startswith("fc.")]
    assert sorted(names) == sorted(Inception().state_dict())
    # 23,834,568 are published for 1,000 classes (Szegedy et al. 2016 say "less than 25 million").
    assert sum(p.numel() for p in Inception().parameters()) + 1000 * 2049 == 23_834_568


def test_weights_are_checked_converted_once_and_read_from_then_on(weights, tmp_path, monkeypatch):
    home = tmp_path / "data" / "inception"
    home.mkdir(parents=True)
    torch.save(weights, home / published._WEIGHTS)
    pins = {published._WEIGHTS: pinned(home / published._WEIGHTS)}
    monkeypatch.setattr(published, "INCEPTION_WEIGHTS", Remote("inception", "https://nowhere.invalid/", pins))
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path / "data"))
    by_path, first = inception_from_file(home / published._WEIGHTS), inception_features(tmp_path)
    (home / published._WEIGHTS).unlink()
    again = named_features("inception", None, tmp_path)  # type: ignore[arg-type]
    assert by_path.digest == first.digest == again.digest
    found = again(IMAGES)
    assert found.shape == (2, 2048) and torch.equal(found, by_path(IMAGES.expand(-1, 3, -1, -1)))
    assert not torch.equal(found[0], found[1])
    with pytest.raises(UserError, match="inception features need grey or RGB images, not 4 channels"):
        again(IMAGES.expand(-1, 4, -1, -1))


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


def test_no_other_pickle_is_opened(tmp_path):
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError, match=r"is not the published pt_inception.* and no other pickle is opened"):
        inception_from_file(tmp_path / "w.pth")
    with pytest.raises(UserError, match="can't read the features file"):
        inception_from_file(tmp_path / "gone.pth")


@pytest.mark.parametrize("size", [(5, 7), (13, 13), (31, 20)])
def test_the_resize_of_tensorflow_1(size):
    x, side = torch.rand(1, 2, *size, generator=torch.Generator().manual_seed(0)), 13

    def at(i, n):
        place = i * n / side
        low = int(place)
        return low, min(low + 1, n - 1), place - low

    found = resize_like_tf1(x, side)
    for i in range(side):
        for j in range(side):
            (top, bottom, down), (left, right, along) = at(i, size[0]), at(j, size[1])
            upper = x[0, :, top, left] * (1 - along) + x[0, :, top, right] * along
            lower = x[0, :, bottom, left] * (1 - along) + x[0, :, bottom, right] * along
            torch.testing.assert_close(found[0, :, i, j], upper * (1 - down) + lower * down)


def linear(size: int, side: int) -> np.ndarray:
    """Weights (side, size) of linear interpolation at pixel centres, with the edge repeated."""
    weights = np.zeros((side, size))
    for i in range(side):
        place = (i + 0.5) * size / side - 0.5
        low = math.floor(place)
        for pixel, weight in ((low, low + 1 - place), (low + 1, place - low)):
            weights[i, min(max(pixel, 0), size - 1)] += weight
    return weights


def cubic(size: int, side: int) -> np.ndarray:
    """Weights (side, size) of Keys' cubic with a = −1/2, widened by the scale when shrinking, cut at the edge."""
    weights, scale = np.zeros((side, size)), size / side
    width = max(scale, 1.0)
    for i in range(side):
        x = np.abs((np.arange(size) + 0.5 - (i + 0.5) * scale) / width)
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights[i] = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(32, 20), (299, 299), (400, 310)])
@pytest.mark.parametrize(
    ("name", "weights", "normalised"),
    [
        ("inception-pytorch-fid", linear, lambda x: 2 * (x / 255) - 1),
        ("inception-clean", cubic, lambda x: (x.clip(0, 255) - 128) / 128),
    ],
)
def test_other_resizes(name, weights, normalised, size):
    """Black beside white: where the cubic overshoots, values are clipped."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 2, (2, 3, *size), generator=g).float() * 255
    x[1] = torch.randint(256, (3, *size), generator=g).float()
    expected = normalised(weights(size[0], 299) @ x.double().numpy() @ weights(size[1], 299).T)
    np.testing.assert_allclose(
        PREPROCESSING[name].prepare(x).numpy(), expected, atol=1e-4
    )  # of 2; positions are float32


def test_resizes_share_weights_and_are_told_apart(weights, tmp_path, monkeypatch):
    (tmp_path / "judges").mkdir()
    net = Inception()
    net.load_state_dict({module_name(name): x for name, x in weights.items() if not name.startswith("fc.")})
    save_file(net.state_dict(), tmp_path / "judges" / "inception-2015-12-05.safetensors")
    extractors = [named_features(name, None, tmp_path) for name in PREPROCESSING]  # type: ignore[arg-type]
    assert [extractor.name for extractor in extractors] == ["inception", "inception-pytorch-fid", "inception-clean"]
    assert len({extractor.digest for extractor in extractors}) == 1 and len({e.resize for e in extractors}) == 3
    tf1, pytorch_fid, clean = (extractor(IMAGES) for extractor in extractors)
    assert not torch.allclose(tf1, pytorch_fid, rtol=1e-3) and not torch.allclose(pytorch_fid, clean, rtol=1e-3)


def test_dinov2_by_pinned_weights(tmp_path, monkeypatch):
    from transformers import Dinov2Config, Dinov2Model

    tiny = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    torch.manual_seed(0)
    home = tmp_path / "dinov2-large"
    home.mkdir()
    save_file(Dinov2Model(Dinov2Config(**tiny)).state_dict(), home / dinov2._WEIGHTS)
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    monkeypatch.setattr(dinov2, "_CONFIG", tiny)
    with pytest.raises(UserError, match=r"model.safetensors is damaged or another file .*it has .* bytes"):
        dinov2.dinov2_features()
    pins = {dinov2._WEIGHTS: pinned(home / dinov2._WEIGHTS)}
    monkeypatch.setattr(dinov2, "DINOV2_WEIGHTS", Remote("dinov2-large", "https://nowhere.invalid/", pins))
    features = dinov2.dinov2_features()
    assert features(IMAGES).shape == (2, 8)
    assert "224×224" in features.resize


def test_dinov2_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(UserError, match=r"need 'sparring\[dinov2\]'"):
        dinov2.dinov2_features()
