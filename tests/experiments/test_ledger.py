"""When a benchmark's row stands, and when it is measured again."""

import json
from dataclasses import replace

import pytest
import torch

from sparring.api import configure
from sparring.build.overrides import with_flags
from sparring.games.shared.methods import METHODS
from sparring.modalities.load import load_dataset
from sparring.recipes import RECIPES


@pytest.fixture
def ledger(experiments, monkeypatch, tmp_path):
    from experiments import ledger

    monkeypatch.setattr(ledger, "ROWS", tmp_path / "rows.jsonl")
    return ledger


def test_a_row_stands_while_configuration_and_what_the_code_does_are_the_same(ledger):
    row = {"config": "c", "code": "old", "by": "x", "numbers": {"k": 1}, "probe": [1.0, -2.0], "scores": {"a": 1}}
    ledger.ROWS.write_text(json.dumps(row) + "\n")

    def known(config, code, by, *now, **numbers):
        about = {"config": config, "code": code, "by": by, "numbers": {"k": 1} | numbers}
        return ledger.known(about, lambda: list(now))

    assert known("c", "old", "x") == row  # the same code is not even probed
    assert known("c", "new", "x", 1.0, -2.0 * (1 + 1e-6)) == row
    assert known("c", "new", "x", 1.0, -2.1) is None and known("c", "new", "x", 1.0) is None
    assert known("d", "old", "x") is None and known("c", "old", "y") is None
    assert known("c", "old", "x", new=2) == row and known("c", "old", "x", k=2) is None


def test_names_and_comments_change_no_hash_and_numbers_do(ledger):
    data, recipe = load_dataset("digits"), RECIPES["dense"]
    hashed = [ledger.hashed(configure(r, data, images=640, threads=1), data) for r in (
        recipe, replace(recipe, name="x", about="y"), replace(recipe, z=recipe.z + 1),
    )]  # fmt: skip
    assert hashed[0] == hashed[1] and hashed[0][0] != hashed[2][0] and hashed[0][1] == hashed[2][1]
    assert ledger.bare("def f():\n    'text'\n    return 1  # why") == ledger.bare("def f():\n    return 1")
    assert ledger.bare("x = 1") != ledger.bare("x = 2")


def test_the_modules_that_a_run_trains_by(ledger):
    """Also where a turn has no objective of its own."""
    lazy = with_flags(RECIPES["stylegan2"], {"generator.width": "4", "critic.width": "4"})
    found = ledger.modules(lazy, load_dataset("digits"))
    assert {
        f"sparring.{name}" for name in ("networks.stylegan2", "losses.penalties", "losses.running", "games.gan")
    } <= found


def test_numbers_by_default_are_told_too(ledger, monkeypatch):
    recipe = with_flags(RECIPES["dcgan"], {"methods": "lecam"})
    told = ledger.numbers(recipe)
    assert (
        told["half_life"] == told["played half_life"] == recipe.ema_half_life and told["played batch"] == recipe.batch
    )
    method = replace(METHODS["lecam"], weights={name: 9 * value for name, value in METHODS["lecam"].weights.items()})
    monkeypatch.setitem(METHODS, "lecam", method)
    assert ledger.numbers(recipe)["played weights"] != told["played weights"]


def test_a_probe_tells_what_the_code_does(ledger):
    data, recipe = load_dataset("digits"), RECIPES["dense"]
    threads = torch.get_num_threads()
    first, again, other = (
        ledger.probe(configure(r, data, images=640, seed=seed), data)
        for r, seed in ((recipe, 0), (recipe, 0), (replace(recipe, lr=5e-3), 0))
    )
    torch.set_num_threads(threads)
    assert ledger.alike(first, again) and not ledger.alike(first, other)


@pytest.mark.parametrize("way", ["gan", "wgan-gp", "pacgan", "unrolled", "points"])
def test_rows_of_earlier_versions_are_found(experiments, way):
    """By configuration and numbers, and by the same losses and weights after three rounds."""
    from experiments import ledger
    from experiments.table import LOSSES

    data, recipe = load_dataset("ring"), with_flags(RECIPES["points"], LOSSES[way])
    config = configure(recipe, data, **ledger.settings(recipe.images, 0, {}))
    about = dict(zip(("config", "code"), ledger.hashed(config, data), strict=True))
    about |= {"by": "modes.py", "numbers": ledger.numbers(config.recipe)}
    row = ledger.known(about, lambda: ledger.probe(config, data))
    assert row is not None and (row["name"], row["seed"]) == (f"ring-{way}", 0)


HASHES = {
    "dcgan": ({}, "7aea5738b9d7"),
    "rpgan": ({"augment": "diffaugment", "lr": "cosine:2e-3:2e-4"}, "10e10bada20a"),
    "cgan": ({"methods": "lecam"}, "7784abafefb1"),
    "infogan": ({}, "4fb129a1f61f"),
    "denoise": ({}, "b253e9afe73c"),
    "stylegan2": ({"critic-lr": "1e-3", "batch": "32"}, "5bb263e39d80"),
    "mlp-gan": ({"weight.r1": "2", "penalties": "r1", "pack": "2"}, "6fc9cd0484c6"),
}
"""Flags, and the hash by which version 1 stored the configuration."""


@pytest.mark.parametrize("name", HASHES)
def test_image_configurations_have_the_hashes_of_version_1(ledger, name):
    flags, expected = HASHES[name]
    data, recipe = load_dataset("digits"), with_flags(RECIPES[name], flags)
    config = configure(recipe, data, **ledger.settings(60_000, 1, {}))
    assert ledger.hashed(config, data)[0] == expected


def test_rows_with_the_protocol_text_of_version_1_are_found(ledger):
    row = {"config": "c", "code": "k", "by": "x; rare: categories below 5 % that are there", "numbers": {}}
    ledger.ROWS.write_text(json.dumps(row) + "\n")
    about = {"config": "c", "code": "k", "by": "x; rare: share of categories below 5 % that occur", "numbers": {}}
    assert ledger.known(about, list) == row
