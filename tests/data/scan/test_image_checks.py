"""What is found in a set: each defect where it was planted, and nothing where there is none."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import refused, spar
from data.pictures import unpacked
from PIL import Image, ImageEnhance

from sparring.data import Options
from sparring.data.load import preparable_source
from sparring.data.prepare.prepare import prepare_dataset
from sparring.data.scan.checks import DROPPABLE, IMAGE_CHECKS, run_checks
from sparring.data.scan.duplicates import merge_groups
from sparring.data.scan.image_set import ScannedImages, index_concatenated
from sparring.data.scan.image_stats import low_frequencies
from sparring.data.scan.images import neighbour_distances, standardise_features
from sparring.data.scan.labels import checkable, held_out_probabilities, label_suspects
from sparring.data.scan.open import open_two
from sparring.data.scan.scan import scan_spec
from sparring.errors import UserError
from sparring.modalities.load import load_dataset


def scene(i: int, kind: int, side: int = 32) -> Image.Image:
    """A smooth random field in one of two palettes, with lines that run one way or the other."""
    draws = np.random.default_rng(i)
    field = Image.fromarray(draws.integers(0, 256, (6, 6, 3)).astype(np.uint8)).resize((side, side))
    lines = 40 * np.sin(np.arange(side) * (0.9 + 0.1 * draws.random()) + draws.random() * 6)
    tint = np.array([60, 0, 0]) if kind else np.array([0, 0, 60])
    pixels = 0.4 * np.asarray(field, float) + 60 + tint + (lines[:, None, None] if kind else lines[None, :, None])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    """60 scenes of each of two classes, in two folders."""
    for i in range(120):
        (tmp_path / "set" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        scene(i, i % 2).save(tmp_path / "set" / "ab"[i % 2] / f"{i:03d}.png")
    return tmp_path / "set"


def test_every_file_is_read_once(folder, tmp_path, monkeypatch):
    """Its header, and what is in it; a sheet takes no more."""
    opened = Counter()

    def counted(path, mode):
        opened[Path(path).name] += 1
        return open(path, mode)

    monkeypatch.setattr("sparring.data.sources.folder.open", counted, raising=False)
    assert spar("data", "scan", folder, "--size", 32, "--sheet", tmp_path / "s.png") == 0
    assert set(opened.values()) == {2} and len(opened) == 120


def spoilt(folder):
    """The same with a defect of each kind; what is to be found, by finding."""
    (folder / "a" / "copy.png").write_bytes((folder / "a" / "000.png").read_bytes())
    again = Image.open(folder / "b" / "003.png")
    ImageEnhance.Brightness(again.resize((28, 28))).enhance(1.1).save(folder / "b" / "again.jpg", quality=80)
    (folder / "b" / "000-too.png").write_bytes((folder / "a" / "002.png").read_bytes())
    Image.new("RGB", (32, 32), (90, 40, 10)).save(folder / "a" / "plain.png")
    scene(500, 0).resize((9, 9)).save(folder / "a" / "small.png")
    noise = np.random.default_rng(0).integers(0, 2, (32, 32, 3)) * 255
    Image.fromarray(noise.astype(np.uint8)).save(folder / "b" / "strange.png")
    (folder / "a" / "torn.png").write_bytes((folder / "a" / "004.png").read_bytes()[:200])
    return {
        "broken": ["a/torn.png"],
        "duplicates": ["a/copy.png", "b/000-too.png"],
        "near-duplicates": ["b/again.jpg"],
        "contradictory": ["b/000-too.png"],
        "blank": ["a/plain.png"],
        "tiny": ["a/small.png"],
        "outliers": ["b/strange.png"],
    }


def suspects(found) -> dict[str, list[str]]:
    return {each.name: sorted(name for name, _ in each.where) for each in found.findings}


def test_nothing_is_found_where_nothing_is(folder):
    told = suspects(scan_spec(folder))
    assert told.keys() <= {"outliers"} and len(told.get("outliers", [])) <= 1  # one of 120 is the strangest


def test_each_defect_is_found_where_it_is(folder):
    planted = spoilt(folder)
    found = scan_spec(folder)
    told = suspects(found)
    strange = told.pop("outliers")
    assert set(planted.pop("outliers")) <= set(strange) and len(strange) <= 4  # found among the strangest
    assert {name: told[name] for name in planted} == planted
    assert told.keys() - planted.keys() <= {"leaks", "mislabelled"}
    assert all(each.what and each.todo and all(why for _, why in each.where) for each in found.findings)
    assert json.loads(json.dumps(found.to_dict()))["findings"][0]["name"] == "broken"


def test_an_array_is_searched_like_files(tmp_path):
    images = np.stack([np.asarray(scene(i, i % 2)) for i in range(60)])
    images[50] = images[7]
    np.savez(tmp_path / "a.npz", images=images)
    told = suspects(scan_spec(tmp_path / "a.npz"))
    assert told["duplicates"] == ["image 50"]


def test_leaks_are_copies_in_the_other_part():
    images = torch.stack([torch.from_numpy(np.asarray(scene(i, 0)).copy()).permute(2, 0, 1) for i in range(40)])
    images[30], images[5] = images[2], images[4]
    looked = ScannedImages(
        index_concatenated(images[:20], images[20:]), [str(i) for i in range(40)], np.arange(40) >= 20
    )
    (leaks,) = run_checks(looked, ["leaks"])
    assert leaks.which == (30,) and leaks.beside == (2,) and "same pixels as 2 of" in leaks.where[0][1]


def test_two_sets_are_compared(folder, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    for i in range(200, 220):
        scene(i, 1).save(other / f"{i}.png")
    scene(9, 1).save(other / "taken.png")
    scene(9, 1).save(other / "taken-too.jpg", quality=85)
    (leaks,) = run_checks(open_two(folder, other, Options()), ["leaks"])
    assert sorted(name.rsplit(": ")[1] for name, _ in leaks.where) == ["taken-too.jpg", "taken.png"]
    assert spar("data", "scan", folder, "--against", other, "--sheet", tmp_path / "s.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["name"] == "leaks" and (tmp_path / "s.png").exists()
    assert "has no images to compare" in refused(capsys, "data", "scan", "ring", "--against", other)


def test_images_in_a_wrong_class():
    images = torch.stack([torch.from_numpy(np.asarray(scene(i, i % 2)).copy()).permute(2, 0, 1) for i in range(1000)])
    labels, wrong = np.arange(1000) % 2, [10, 11, 120, 251, 399]
    labels[wrong] = 1 - labels[wrong]
    looked = ScannedImages(images.__getitem__, [str(i) for i in range(1000)], np.zeros(1000, bool), labels, ("a", "b"))
    (found,) = run_checks(looked, ["mislabelled"])
    assert set(found.which) <= set(wrong) and len(found.which) >= 4
    assert all("looks like class" in why for _, why in found.where)


def test_rare_classes(tmp_path):
    files = {f"{'ab'[i == 0]}/{i}.png": i for i in range(24)}
    for name, i in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        scene(i, 0).save(tmp_path / name)
    (rare,) = [each for each in scan_spec(tmp_path).findings if each.name == "imbalance"]
    assert rare.where == (("b", "1 of 24 images"),)


def test_a_sheet_of_suspects(folder, tmp_path, capsys):
    few = unpacked(tmp_path / "few", {name: (folder / "a" / name).read_bytes() for name in ("000.png", "002.png")})
    assert spar("data", "scan", few, "--sheet", tmp_path / "a.png") == 0
    assert "no sheet was written" in capsys.readouterr().out and not (tmp_path / "a.png").exists()
    spoilt(folder)
    assert spar("data", "scan", folder, "--sheet", tmp_path / "a.png") == 0
    assert Image.open(tmp_path / "a.png").size[0] >= 360


def test_suspects_are_left_out_by_prepare(folder, tmp_path):
    planted = spoilt(folder)
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*.*"))}
    drop = ("duplicates", "near-duplicates", "blank", "tiny")
    held, _ = prepare_dataset(preparable_source(str(folder)), tmp_path / "out", Options(), 1, drop)
    gone = dict(held.broken)
    assert set(gone) == {name for each in ("broken", *drop) for name in planted[each]}
    assert gone["b/again.jpg"] == "near-duplicates: nearly the same as b/003.png"
    assert held.train + held.test == len(before) - len(gone)
    assert before == {path: path.read_bytes() for path in sorted(folder.rglob("*.*"))}
    assert suspects(scan_spec(tmp_path / "out")).keys() <= {"broken", "outliers", "mislabelled"}
    with pytest.raises(UserError, match="from other files or options"):
        prepare_dataset(preparable_source(str(folder)), tmp_path / "out", Options(), 1)


def test_suspects_are_the_same_after_an_interruption(folder, tmp_path, monkeypatch):
    spoilt(folder)
    drop = ("duplicates", "blank", "outliers")
    whole, _ = prepare_dataset(preparable_source(str(folder)), tmp_path / "whole", Options(), 1, drop)

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("sparring.data.prepare.prepare.digest", stopped)  # the gaps have been filled
        prepare_dataset(preparable_source(str(folder)), tmp_path / "torn", Options(), 1, drop)
    resumed, decoded = prepare_dataset(preparable_source(str(folder)), tmp_path / "torn", Options(), 1, drop)
    assert decoded == 0 and resumed == whole and len(load_dataset(tmp_path / "torn").train) == whole.train


@pytest.mark.parametrize("name", ["leaks", "imbalance", "dupplicates"])
def test_what_cannot_be_dropped_is_told(name, folder, tmp_path, capsys):
    told = refused(capsys, "data", "prepare", folder, tmp_path / "out", "--drop", name)
    assert f"no check to drop '{name}'" in told and "blank" in told and not (tmp_path / "out").exists()


def test_a_few_images_are_no_trouble(tmp_path):
    for n in (1, 2, 3):
        spec = unpacked(tmp_path / str(n), {})
        for i in range(n):
            spec.mkdir(exist_ok=True)
            scene(i, 0).save(spec / f"{i}.png")
        assert suspects(scan_spec(spec)) == {}


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_images_of_any_channels(channels):
    values = torch.randint(256, (60, channels, 9, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    values[59] = values[0]
    looked = ScannedImages(values.__getitem__, [str(i) for i in range(60)], np.zeros(60, bool))
    assert {each.name: each.which for each in run_checks(looked)}["duplicates"] == (59,)


def test_many_images_that_are_all_alike_end_soon():
    values = torch.full((3000, 1, 8, 8), 100, dtype=torch.uint8)
    values[:, :, :, 4:] += torch.arange(3000)[:, None, None, None].remainder(50).to(torch.uint8) + 20
    looked = ScannedImages(values.__getitem__, [str(i) for i in range(3000)], np.zeros(3000, bool))
    found = {each.name: len(each.which) for each in run_checks(looked)}
    assert found["duplicates"] == 2950 and found["near-duplicates"] == 49


def test_the_cosine_transform_is_scipys():
    fft = pytest.importorskip("scipy.fft")
    plane = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    wanted = fft.dctn(plane.squeeze(1).numpy(), axes=(1, 2)) / 4
    assert np.allclose(low_frequencies(plane).numpy(), wanted[:, :8, :8].reshape(3, -1)[:, 1:], atol=6e-3)


def test_groups_are_those_of_a_graph():
    scipy = pytest.importorskip("scipy.sparse")
    graph = pytest.importorskip("scipy.sparse.csgraph")
    draws = np.random.default_rng(0)
    for n in (1, 10, 300):
        a, b = draws.integers(0, n, (2, n // 2))
        _, wanted = graph.connected_components(scipy.coo_array((np.ones(len(a)), (a, b)), (n, n)), directed=False)
        least = np.array([np.flatnonzero(wanted == group)[0] for group in wanted])
        assert (merge_groups(np.arange(n), a, b) == least).all()


def test_distances_to_neighbours_are_scikit_learns():
    from sklearn.neighbors import NearestNeighbors

    x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    wanted = NearestNeighbors(n_neighbors=6).fit(standardise_features(x)).kneighbors(standardise_features(x))[0][:, -1]
    assert np.allclose(neighbour_distances(x), wanted, atol=1e-3)


def test_labels_are_doubted_by_the_rule():
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.005, 0.995], [0.1, 0.9], [0.02, 0.98]])
    assert label_suspects(chances, np.array([0, 0, 0, 1, 0])).tolist() == [2]


def test_no_image_is_judged_by_what_was_taught_with_it():
    x = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)  # nothing is to be learnt
    labels = np.arange(60) % 2
    right = held_out_probabilities(x, labels, 2).argmax(1) == labels
    assert 0.2 < right.mean() < 0.8


def test_labels_are_tried_where_there_are_enough():
    assert checkable(None, 0).tolist() == [] and checkable(np.zeros(50, int), 1).tolist() == []
    assert checkable(np.array([0] * 20 + [1] * 20 + [2]), 3).tolist() == list(range(40))
    assert checkable(np.arange(2000) % 101, 101).tolist() == [] and set(DROPPABLE) < set(IMAGE_CHECKS)
