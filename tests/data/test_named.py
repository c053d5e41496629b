"""Named sets: shapes, splits, where files are looked for, and what is said when they can't be had."""

import gzip
import hashlib
import io
import os
import struct
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from sparring.data import Dataset, Options, Split, named
from sparring.errors import UserError, did_you_mean
from sparring.modalities.load import load_dataset
from sparring.storage import download
from sparring.storage.download import Pin, Remote


def test_digits():
    data = load_dataset("digits")
    assert (data.shape, data.classes, data.names) == ((1, 8, 8), 10, tuple("0123456789"))
    assert (len(data.train), len(data.test)) == (1497, 300)
    assert data.train.values.dtype == torch.uint8 and data.train.labels.dtype == torch.int64
    assert (data.train.values.min(), data.train.values.max()) == (0, 255)
    assert data.train.labels.unique().tolist() == data.test.labels.unique().tolist() == list(range(10))
    assert load_dataset("digits").fingerprint == data.fingerprint and len(data.fingerprint) == 16
    assert load_dataset("digits", Options(size=(16, 16))).fingerprint != data.fingerprint


def test_digits_keep_their_labels():
    """Shuffled together: nearest class means tell test digits, which they would not if labels had moved alone."""
    data = load_dataset("digits")
    flat = data.train.values.flatten(1).float()
    means = torch.stack([flat[data.train.labels == i].mean(0) for i in range(10)])
    said = torch.cdist(data.test.values.flatten(1).float(), means).argmin(1)
    assert (said == data.test.labels).float().mean() > 0.8


def test_size():
    assert load_dataset("digits", Options(size=(16, 16))).shape == (1, 16, 16)


def test_fingerprint_sees_every_part():
    def of(train, test):
        return Dataset.of("x", train, test, ()).fingerprint

    pixels, labels = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64)
    one, pixel, label = Split(pixels, labels), pixels.clone(), labels.clone()
    pixel[3, 0, 1, 1] = 1
    label[3] = 1
    others = [
        Split(pixel, labels),
        Split(pixels, label),
        Split(pixels, None),
        Split(pixels.view(4, 1, 4, 1), labels),
    ]
    found = [of(one, one)] + [of(one, other) for other in others] + [of(other, one) for other in others]
    assert len(set(found)) == len(found)
    assert of(one, one) == of(Split(pixels.clone(), labels.clone()), one)


@pytest.mark.parametrize("name, meant", [("mnits", "mnist"), ("MNIST", "mnist"), ("fashion_mnist", "fashion-mnist")])
def test_unknown_name(name, meant):
    with pytest.raises(UserError) as told:
        load_dataset(name)
    assert f"did you mean '{meant}'" in str(told.value) and "digits, mnist, fashion-mnist" in str(told.value)


def test_nearest_of_nothing_near():
    assert did_you_mean("qqqq", ["mnist"]) == "" == did_you_mean("x", [])


# --- sets of idx files, with a small stand-in for the real ones


def idx(*shape: int, body: bytes) -> bytes:
    return gzip.compress(bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + body, mtime=0)


FILES = {
    "train-images-idx3-ubyte.gz": idx(3, 2, 2, body=bytes(range(12))),
    "train-labels-idx1-ubyte.gz": idx(3, body=bytes((2, 0, 1))),
    "t10k-images-idx3-ubyte.gz": idx(2, 2, 2, body=bytes(range(8))),
    "t10k-labels-idx1-ubyte.gz": idx(2, body=bytes((1, 2))),
}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A pinned set `mini` with three classes, an empty cache, no network; gives the URLs asked for."""
    pins = {name: Pin(len(content), hashlib.sha256(content).hexdigest()) for name, content in FILES.items()}
    mini = Remote("mini", "https://example.org/", pins)
    monkeypatch.setitem(named.NAMED, "mini", lambda: named.idx_splits(mini, ("a", "b", "c")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    return answering(monkeypatch, {})


def answering(monkeypatch, files: dict[str, bytes]) -> list[str]:
    urls = []

    def urlopen(url, timeout):
        urls.append(url)
        if (name := url.rsplit("/", 1)[1]) not in files:
            raise URLError("no\nnetwork")
        return io.BytesIO(files[name])

    monkeypatch.setattr(download, "urlopen", urlopen)
    return urls


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def put(folder: Path, files=FILES) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_downloads_once(monkeypatch, tmp_path, asked):
    asked = answering(monkeypatch, FILES)
    data = load_dataset("mini")
    assert data.train.values.flatten().tolist() == list(range(12)) and data.train.labels.tolist() == [2, 0, 1]
    assert data.test.labels.tolist() == [1, 2] and data.names == ("a", "b", "c")
    assert load_dataset("mini").fingerprint == data.fingerprint
    assert len(asked) == 4 and all(url.startswith("https://example.org/") for url in asked)
    assert left(tmp_path) == sorted(FILES)


def test_own_folder_goes_first(monkeypatch, tmp_path, asked):
    monkeypatch.setenv("SPARRING_DATA", str(put(tmp_path / "own" / "mini").parent))
    put(tmp_path / "cache" / "sparring" / "mini", {name: b"junk" for name in FILES})
    assert len(load_dataset("mini").train) == 3 and not asked


def test_offline(monkeypatch, tmp_path, asked):
    for own in (None, tmp_path / "own"):
        if own:
            monkeypatch.setenv("SPARRING_DATA", str(own))
        with pytest.raises(UserError) as told:
            load_dataset("mini")
        text = str(told.value)
        assert "\n" not in text and "no network" in text and "SPARRING_DATA" in text
        assert all(name in text for name in FILES)
        assert str(own / "mini" if own else tmp_path / "cache" / "sparring" / "mini") in text
    assert left(tmp_path) == []


def test_offline_names_only_what_lacks(tmp_path, asked):
    kept = "train-images-idx3-ubyte.gz"
    put(tmp_path / "cache" / "sparring" / "mini", {kept: FILES[kept]})
    with pytest.raises(UserError) as told:
        load_dataset("mini")
    assert f"put {', '.join(name for name in FILES if name != kept)} in" in str(told.value)


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:-1] + bytes([c[-1] ^ 1])])
def test_a_wrong_download_leaves_nothing(monkeypatch, tmp_path, asked, change):
    answering(monkeypatch, {name: change(content) for name, content in FILES.items()})
    with pytest.raises(UserError, match="is another file than expected"):
        load_dataset("mini")
    assert left(tmp_path) == []


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:-1] + bytes([c[-1] ^ 1])])
def test_a_damaged_file_is_named(monkeypatch, tmp_path, asked, own, change):
    folder = put(tmp_path / "own" / "mini" if own else tmp_path / "cache" / "sparring" / "mini")
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path / "own"))
    bad = folder / "t10k-labels-idx1-ubyte.gz"
    bad.write_bytes(change(bad.read_bytes()))
    with pytest.raises(UserError) as told:
        load_dataset("mini")
    assert str(bad) in str(told.value) and "\n" not in str(told.value) and bad.exists() and not asked


def test_labels_must_fit(monkeypatch, tmp_path, asked):
    files = {**FILES, "t10k-labels-idx1-ubyte.gz": idx(2, body=bytes((1, 3)))}
    pins = {name: Pin(len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}
    put(tmp_path / "cache" / "sparring" / "mini", files)
    with pytest.raises(UserError, match="does not fit its images"):
        named.idx_splits(Remote("mini", "https://example.org/", pins), ("a", "b", "c"))


def test_urls_are_https():
    assert named.MNIST.url.startswith("https://") and named.FASHION.url.startswith("https://")


@pytest.mark.skipif(not os.environ.get("SPARRING_DATA"), reason="SPARRING_DATA is not set")
@pytest.mark.parametrize("name, mean", [("mnist", 33.32), ("fashion-mnist", 72.94)])
def test_the_real_ones(name, mean):
    data = load_dataset(name)
    assert (data.shape, len(data.train), len(data.test), data.classes) == ((1, 28, 28), 60_000, 10_000, 10)
    assert abs(data.train.values.float().mean() - mean) < 0.01
    assert data.test.labels.bincount().sum() == 10_000 and data.train.labels[:3].tolist() in ([5, 0, 4], [9, 0, 0])


# --- stacked digits

STACKED = "90ab526e2d1e1a20"
"""So that results on it can be compared for good."""


def test_stacked_digits_spell_their_label():
    values = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 1, 4, 4)
    digits = Split(values, torch.arange(10))
    made = named.stack_digits(digits, 500, torch.Generator().manual_seed(0))
    assert made.values.shape == (500, 3, 4, 4) and made.values.dtype == torch.uint8
    assert torch.equal(made.values[:, :, 0, 0].long() @ torch.tensor([100, 10, 1]), made.labels)
    assert (made.values == made.values[:, :, :1, :1]).all() and len(made.labels.unique()) > 300
    again = named.stack_digits(digits, 500, torch.Generator().manual_seed(0))
    assert torch.equal(again.values, made.values) and torch.equal(again.labels, made.labels)


@pytest.mark.skipif(not os.environ.get("SPARRING_DATA"), reason="SPARRING_DATA is not set")
def test_stacked_mnist():
    data = load_dataset("stacked-mnist")
    assert (data.shape, len(data.train), len(data.test), data.classes) == ((3, 28, 28), 60_000, 10_000, 1000)
    assert len(data.train.labels.unique()) == 1000 and data.names[7] == "007" and data.fingerprint == STACKED
