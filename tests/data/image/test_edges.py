"""X+edges: the edges, who stands beside whom, and what is refused."""

import numpy as np
import pytest
import torch
from data.pictures import shades, unpacked

import sparring
from sparring.api.comparison import compare
from sparring.data import Dataset, Options, Split
from sparring.data.image.edges import add_edge_domain, derangement, edge_maps
from sparring.data.scan.scan import scan_spec
from sparring.errors import UserError
from sparring.modalities.load import load_dataset
from sparring.modalities.preview import dataset_sheet, network_preview


def test_edges_against_a_loop():
    images = torch.randint(256, (3, 2, 5, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = torch.empty_like(images)
    for n, c, i, j in np.ndindex(*images.shape):
        around = images[n, c, max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
        expected[n, c, i, j] = around.max() - around.min()
    assert torch.equal(edge_maps(images), expected)
    assert not edge_maps(torch.full((1, 1, 3, 3), 200, dtype=torch.uint8)).any()


@pytest.mark.parametrize("n", [2, 3, 12, 1000])
def test_nobody_is_paired_with_itself(n):
    partners = derangement(n)
    assert sorted(partners.tolist()) == list(range(n)) and (partners != torch.arange(n)).all()
    assert torch.equal(partners, derangement(n))


def test_an_image_stands_before_the_edges_of_another():
    plain, data = load_dataset("digits"), load_dataset("digits+edges")
    assert data.shape == (2, 8, 8) and data.spec == "digits+edges" and data.names == plain.names
    assert data.fingerprint != plain.fingerprint and data.fingerprint == load_dataset("digits+edges").fingerprint
    for pairs, part in ((data.train, plain.train), (data.test, plain.test)):
        assert torch.equal(pairs.values[:, :1], part.values) and torch.equal(pairs.labels, part.labels)
        own = edge_maps(part.values)
        assert torch.equal(pairs.values[:, 1:], own[derangement(len(part))])
        assert (pairs.values[:, 1:] != own).flatten(1).any(1).float().mean() > 0.99


def test_of_a_folder_as_it_is_read(tmp_path):
    folder = unpacked(tmp_path / "a", {**shades(12, "x/"), **shades(12, "y/"), "broken.png": b""})
    data = load_dataset(f"{folder}+edges", Options(size=(8, 16), channels="rgb", flip=True))
    assert data.shape == (6, 8, 16) and data.classes == 2 and data.mirrored and data.skipped
    assert load_dataset(f"{folder}+edges", Options(channels="grey")).shape[0] == 2
    found = scan_spec(f"{folder}+edges")
    assert found.examples == 24 and found.classes == {"x": 12, "y": 12} and found.formats == {"images and edges": 24}
    assert network_preview(data).image.size[0] > dataset_sheet(data).image.size[0]  # it has mirrored copies too
    real = unpacked(tmp_path / "b+edges", shades(12))
    assert load_dataset(real).shape[0] == 1  # a path that ends so goes before


def test_what_has_no_pairs_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"ring has points, and edges need images: leave out \+edges"):
        load_dataset("ring+edges")
    with pytest.raises(UserError, match=r"digits\+edges already has edges: leave out the second \+edges"):
        load_dataset("digits+edges+edges")
    with pytest.raises(UserError, match="no data set or folder 'nowhere'"):
        load_dataset("nowhere+edges")
    few = unpacked(tmp_path, shades(5))
    with pytest.raises(UserError, match="only 5 usable images"):
        load_dataset(f"{few}+edges")
    part = Split(torch.zeros(12, 1, 4, 4, dtype=torch.uint8))
    with pytest.raises(UserError, match="single test image, and pairs need two"):
        add_edge_domain(Dataset.of("x", part, part[:1], ()), "x+edges")


def test_pairs_are_compared(tmp_path, quick_judge):
    """The test part of X+edges is compared as that of a named set is."""
    report = compare(["digits+edges"], "digits+edges", metrics=["frechet"])
    assert report.rows[0].scores == report.rows[1].scores and report.rows[1].name == "real"


def test_a_coupled_run_from_beginning_to_end(tmp_path):
    run = sparring.train("cogan", "digits+edges", tmp_path / "run", images=128, reports=1)
    model = sparring.load(tmp_path / "run")
    assert model.sample(3).shape == (3, 2, 8, 8) and model.preview(4).image.size[0] > model.preview(4).image.size[1]
    report = sparring.evaluate(tmp_path / "run", 100, metrics=["frechet"])
    assert report.rows[0].name == "model" and run.outcome == "finished"
    assert sparring.api.advise("digits+edges").recipe.name == "cogan"
