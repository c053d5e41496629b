"""A second opinion: the scores of other features beside the first ones, for the same samples."""

import json

import pytest
from commands import refused, spar

import sparring
from sparring.errors import UserError


def test_scores_of_other_features_are_shown_beside(finished):
    alone = sparring.evaluate(finished, 200, metrics=["frechet"])
    other = sparring.evaluate(finished, 200, features="pixels")
    both = sparring.evaluate(finished, 200, metrics=["frechet"], second_opinion="pixels")
    for row, first, second in zip(both.rows, alone.rows, other.rows, strict=True):
        assert row.scores == first.scores | {f"pixels:{name}": value for name, value in second.scores.items()}
    assert both.protocol == f"{alone.protocol}; second opinion: {other.protocol}"
    assert both.better["pixels:frechet"] == "less" and "pixels:frechet ↓" in both.table()
    assert set(both.warnings) == {*alone.warnings, *other.warnings}
    won = {f"pixels:{name}": rows for name, rows in other.outperformed_by.get("model", {}).items()}
    assert both.outperformed_by.get("model", {}) == alone.outperformed_by.get("model", {}) | won


def test_on_the_command_line(finished, capsys, tmp_path):
    words = ["evaluate", finished, "--samples", 100, "--metrics", "frechet"]
    assert spar(*words, "--second-opinion", "random", "--json") == 0
    scores = json.loads(capsys.readouterr().out)["rows"][0]["scores"]
    assert {"frechet", "random:frechet", "random:kid"} <= set(scores)
    assert "is by task features, as the first" in refused(capsys, *words, "--second-opinion", "task")
    assert spar("compare", finished, "digits", "--metrics", "frechet", "--second-opinion", "random") == 0
    assert "random:frechet ↓" in capsys.readouterr().out


def test_other_modalities_have_none(tmp_path):
    sparring.train("points", "ring", tmp_path / "run", examples=256, reports=1, threads=1)
    with pytest.raises(UserError, match="points are judged by their modes, not by features"):
        sparring.evaluate(tmp_path / "run", second_opinion="pixels")
