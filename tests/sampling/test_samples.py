"""Which samples: seeds, truncation, and the forms they are written in."""

import csv
import threading
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import norm, truncnorm

import sparring.models.model
from sparring.build.game import build_generator
from sparring.errors import UserError
from sparring.modalities.base import Modality
from sparring.models.model import Model, ModelSpec
from sparring.models.spaces import truncate_normal
from sparring.recipes import RECIPES
from sparring.sampling import samples
from sparring.sampling.samples import Samples, write_samples
from sparring.sampling.timelapse import animate
from sparring.storage.npz import write_npz


def model(recipe="mlp-gan", shape=(1, 8, 8)) -> Model:
    torch.manual_seed(0)
    return Model(ModelSpec(RECIPES[recipe], shape), build_generator(RECIPES[recipe], shape))


def test_a_seed_names_one_sample():
    these = model().sample_seeds((3, 9, 3))
    assert torch.equal(these[0], model().sample(1, seed=3)[0])
    assert torch.equal(these[0], these[2]) and not torch.equal(these[0], these[1])


@pytest.mark.parametrize("bound", [0.3, 1.0, 2.5])
def test_truncation_is_the_truncated_normal(bound):
    z = torch.linspace(-6, 6, 101).double()
    expected = truncnorm.ppf(norm.cdf(z.numpy()), -bound, bound)
    np.testing.assert_allclose(truncate_normal(z, bound).numpy(), expected, atol=1e-6)


def test_less_truncation_less_variety():
    spreads = [model().sample(200, truncation=bound).float().std(0).mean() for bound in (0.1, 0.5, 1.0, None)]
    assert spreads == sorted(spreads) and spreads[0] < 0.5 * spreads[-1]
    with pytest.raises(UserError, match="truncation is 0"):
        model().sample(1, truncation=0)


def test_points_as_a_table_an_array_and_a_picture(tmp_path):
    points = Samples(model("points", (2,)), 40, seed=1)
    for ending in ("csv", "npz", "png"):
        write_samples(points, tmp_path / f"points.{ending}")
    with open(tmp_path / "points.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["x", "y"]
    np.testing.assert_allclose(np.array(rows, float), points.all.numpy(), rtol=1e-6)
    assert np.array_equal(np.load(tmp_path / "points.npz")["points"], points.all.numpy())
    assert Image.open(tmp_path / "points.png").size[0] > 100
    with pytest.raises(UserError, match=r"can't write points as '\.bmp': end --out with one of \.png, \.npz, \.csv"):
        write_samples(points, tmp_path / "points.bmp")


def test_a_folder_of_seeds_is_named_by_them(tmp_path):
    write_samples(Samples(model(), 2, seeds=(7, 40)), tmp_path / "folder")
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["000007.png", "000040.png"]


def test_progress_as_an_animation(tmp_path):
    (tmp_path / "samples").mkdir()
    with pytest.raises(UserError, match="no pictures of samples"):
        animate(tmp_path, tmp_path / "a.gif")
    for seen, grey in ((100, 0), (200, 128), (300, 255)):
        Image.new("L", (16, 16), grey).save(tmp_path / "samples" / f"{seen:012d}.png")
    Image.new("L", (99, 9)).save(tmp_path / "samples" / "beside.png")
    assert animate(tmp_path, tmp_path / "a.gif") == 3
    film = Image.open(tmp_path / "a.gif")
    assert film.n_frames == 3 and film.size == (16, 16)
    film.seek(2)
    assert film.convert("L").getpixel((3, 3)) > 250
    with pytest.raises(UserError, match="exists already"):
        animate(tmp_path, tmp_path / "a.gif")


@pytest.fixture
def small_chunks(monkeypatch):
    """So that a few samples are several chunks."""
    monkeypatch.setattr(sparring.models.model, "CHUNK", 8)
    monkeypatch.setattr(Modality, "chunk", 8)


@pytest.mark.parametrize(("n", "labels"), [(1, ()), (8, ()), (21, ()), (9, ("0", "3"))])
def test_an_array_written_in_pieces_is_the_samples_to_the_bit(n, labels, small_chunks, tmp_path):
    if labels:
        recipe = RECIPES["cgan"]
        about = ModelSpec(recipe, (1, 8, 8), labels=tuple("0123"), shares=(0.25,) * 4)
        drawn = Samples(Model(about, build_generator(recipe, (1, 8, 8), 4)), n, seed=5, labels=labels)
        expected = torch.cat([drawn.model.sample(n, 5, label=label) for label in labels])
    else:
        drawn, expected = Samples(model(), n, seed=5), model().sample(n, 5)
    write_samples(drawn, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as held:
        assert list(held) == ["images"] and held["images"].dtype == np.uint8
        assert np.array_equal(held["images"], expected.permute(0, 2, 3, 1).numpy())
    write_samples(drawn, tmp_path / "folder")
    files = sorted((tmp_path / "folder").rglob("*.png"))
    assert np.array_equal(np.stack([np.asarray(Image.open(f)) for f in files]), expected[:, 0].numpy())


def test_seeds_and_points_in_pieces(small_chunks, tmp_path):
    seeds = tuple(range(30, 51))
    write_samples(Samples(model(), 0, seeds=seeds), tmp_path / "seeds.npz")
    expected = model().sample_seeds(seeds).permute(0, 2, 3, 1)
    assert np.array_equal(np.load(tmp_path / "seeds.npz")["images"], expected.numpy())
    points = Samples(model("points", (2,)), 21)
    write_samples(points, tmp_path / "points.npz"), write_samples(points, tmp_path / "points.csv")
    held = np.load(tmp_path / "points.npz")["points"]
    assert held.shape == (21, 2) and np.array_equal(held, points.model.sample(21).numpy())
    np.testing.assert_allclose(np.loadtxt(tmp_path / "points.csv", delimiter=",", skiprows=1), held, rtol=1e-6)


@pytest.mark.parametrize("ending", [".npz", ""])
def test_no_more_than_a_chunk_is_held(ending, small_chunks, tmp_path, monkeypatch):
    """A chunk is gone before the next but one is drawn."""
    drawn, stream = [], Model.stream

    def watched(self, *arguments):
        for chunk in stream(self, *arguments):
            assert sum(ref() is not None for ref in drawn) <= 1
            drawn.append(weakref.ref(chunk))
            yield chunk
            del chunk

    monkeypatch.setattr(Model, "stream", watched)
    write_samples(Samples(model(), 40), tmp_path / f"out{ending}")
    assert len(drawn) == 5


@pytest.mark.parametrize("ending", [".npz", "", ".png"])
def test_samples_that_are_cut_short_leave_nothing(ending, small_chunks, tmp_path, monkeypatch):
    decode, calls = Model.decode, iter(range(100))

    def interrupted(self, *arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return decode(self, *arguments)

    monkeypatch.setattr(Model, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_samples(Samples(model(), 40), tmp_path / f"out{ending}")
    assert not list(tmp_path.iterdir())


def test_many_are_drawn_a_part_of_a_chunk_on_each_core(small_chunks, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "MIN_SAMPLES", 40)
    threads, decode, seen = torch.get_num_threads(), Model.decode, []

    def watched(self, inputs, *arguments, **more):
        seen.append((len(inputs[0]), threading.current_thread().name))
        return decode(self, inputs, *arguments, **more)

    monkeypatch.setattr(Model, "decode", watched)
    torch.set_num_threads(2)
    try:
        write_samples(Samples(model(), 43), tmp_path / "many.npz")
        write_samples(Samples(model(), 39), tmp_path / "few.npz")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    many, few = (np.load(tmp_path / f"{name}.npz")["images"].astype(int) for name in ("many", "few"))
    assert len(many) == 43 and abs(many[:39] - few).max() <= 1
    parts = [(size, name) for size, name in seen if name != "MainThread"]
    assert [size for size, _ in parts].count(4) == 10 and sum(size for size, _ in parts) == 43


def test_pieces_that_are_not_as_many_as_told_are_refused(tmp_path):
    with pytest.raises(ValueError, match="the chunks have 3 rows, but count is 4"):
        write_npz(tmp_path / "a.npz", "x", 4, iter([np.zeros((2, 5)), np.zeros((1, 5))]))
