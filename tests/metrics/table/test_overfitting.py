"""Small tables: length by the number of rows, held-out rows that choose weights, and a warning of copies."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from frames import people, untrained

import sparring
from sparring.build.overrides import with_flags
from sparring.data.table.load import table_data
from sparring.metrics.report import evaluate_samples
from sparring.metrics.table.overfitting import negative_log_likelihood, relative_nearness
from sparring.modalities.registry import for_recipe, judge
from sparring.recipes import RECIPES
from sparring.training.config.configure import configure
from sparring.training.run.folder import is_restart
from sparring.training.session import Session

TABLE = RECIPES["table"]


def small(n: int = 360):
    data = table_data("small", people(n))
    return data, for_recipe(data, TABLE)


def test_rows_are_held_out_of_small_tables_only():
    data, held = small()
    assert len(held.select) == 30 and len(held.train) == 270 and held.fingerprint == data.fingerprint
    rows = [{row.tobytes() for row in part.values.numpy()} for part in (held.train, held.select, data.train)]
    assert rows[0] | rows[1] == rows[2] and not rows[0] & rows[1]
    assert torch.equal(small()[1].select.values.nan_to_num(), held.select.values.nan_to_num())
    large = replace(TABLE, images=100 * len(data.train))
    for recipe in (large, replace(TABLE, most_epochs=0)):  # the latter as runs of earlier versions have it
        assert for_recipe(data, recipe) is data
    assert for_recipe(table_data("tiny", people(100)), TABLE).select is None
    assert judge(data).score_names == ("detection",) and judge(held).score_names[0] == "selection"


def test_the_length_follows_the_number_of_rows(tmp_path, capsys):
    data, held = small()
    session = Session()
    session.use(configure("table", data))
    session.load(data)
    assert session.config.examples == 600 * len(held.train) and not session.config.open_length
    assert session.config.recipe.lr.images == 600 * len(held.train)
    assert "162,000 examples, 600 passes over 270 training examples" in capsys.readouterr().err
    assert TABLE.length(22_561) == 600_000 and RECIPES["dcgan"].length(10) == RECIPES["dcgan"].images
    asked = configure("table", data, images=5_000)
    assert asked.examples == 5_000 and not asked.open_length
    session.config.save(tmp_path, "")
    assert json.loads((tmp_path / "run.json").read_text())["config"]["examples"] == 162_000


def test_a_restarted_run_has_the_length_that_its_data_gave_it(tmp_path, monkeypatch):
    data, _ = small()
    config = configure("table", data)
    config.with_length(270).save(tmp_path, "")
    monkeypatch.setattr("sparring.training.run.folder.restarts", lambda: True)
    assert is_restart(tmp_path, config)
    with pytest.raises(sparring.errors.UserError, match="another run's, with other settings"):
        is_restart(tmp_path, replace(config, seed=1))


def test_likelihood_is_that_of_the_options():
    g = np.random.default_rng(0)
    frame = pd.DataFrame({"a": g.choice(list("xyz"), 100), "b": g.choice(list("vwxyz"), 100)})
    model = untrained(frame)
    for head in model.G.heads:
        head[-1].weight.zero_()
    cells = table_data("", frame).train.values
    found = negative_log_likelihood(model.G, model.spec.facts, cells, model.draw_inputs(0))
    assert found == pytest.approx((math.log(3) + math.log(5)) / 2, rel=1e-5)
    share = (cells == 0).double().mean(0)
    for i, head in enumerate(model.G.heads):
        head[-1].bias[model.spec.facts.columns[i].places] = 50.0  # the commonest category, always
    lost = negative_log_likelihood(model.G, model.spec.facts, cells, model.draw_inputs(0))
    assert lost == pytest.approx(50 * float(2 - share.sum()) / 2, rel=1e-4)


def test_copies_are_near_and_fresh_rows_are_as_near_as_held_out_ones():
    data = table_data("", people(2_000))
    train, held, other = data.train.values[:900], data.train.values[900:1_000], data.train.values[1_000:]
    assert relative_nearness(data.facts, train, held, train) == 0
    assert relative_nearness(data.facts, other, held, train) == pytest.approx(1, abs=0.2)


def test_weights_that_copy_are_not_selected():
    _, held = small()
    jury, model = judge(held), untrained(people(360))
    fresh = table_data("", people(700, seed=5)).train.values
    copies, others = (jury.training_scores(rows, model) for rows in (held.train.values.repeat(2, 1), fresh))
    assert copies["nearness"] == 0 and others["nearness"] > 0.8
    assert others["selection"] < copies["selection"] and "held out" in jury.protocol("select", 540)


def test_copies_are_warned_of():
    _, held = small()
    report = evaluate_samples(held.train.values, judge(held))
    assert any("nearer to training rows" in text for text in report.warnings)
    fresh = table_data("", people(500, seed=5)).train.values
    assert not [text for text in evaluate_samples(fresh, judge(held)).warnings if "nearer" in text]


def test_a_small_table_is_trained_resumed_and_scored(tmp_path, capsys):
    recipe = with_flags(TABLE, {"batch": "50", "generator.width": "32"})
    model = sparring.fit(people(360), recipe, images=200, reports=2, threads=1, out=tmp_path / "run")
    entries = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    assert [*entries[0]["scores"]] == ["selection", "detection", "likelihood", "nearness"]
    assert "30 training rows held out" in model.report.protocol
    max((tmp_path / "run" / "checkpoints").glob("*")).unlink()
    data = table_data("a table", people(360))
    assert sparring.resume(tmp_path / "run", data=data).outcome == "finished"
