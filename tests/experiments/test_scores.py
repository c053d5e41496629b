"""Plans of experiments on digits: their score functions on a finished run, and their baselines."""

import pytest

from sparring.modalities.load import load_dataset


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("colour", "digits --rows dcgan --size 8"),
        ("few", "digits --size 8 --ways plain"),
        ("search", "dcgan --data digits --vary lr 1e-3"),
        ("field", "--rows dcgan"),
    ],
)
def test_scores_of_images(experiments, finished, quick_judge, monkeypatch, tmp_path, name, words):
    from experiments import runner
    from experiments.scores import images, second
    from experiments.table import EXPERIMENTS

    monkeypatch.setattr(images, "FIELD_SAMPLES", 200)
    monkeypatch.setattr(images, "SAMPLES", 200)
    monkeypatch.setattr(images, "recorded_median", lambda data: 1.0)
    monkeypatch.setattr(images, "second", lambda data, out: second.second(data, out, 5))
    monkeypatch.setattr(images, "load_dataset", lambda spec, *reading: load_dataset("digits", *reading))
    args = runner.parser_of(name, EXPERIMENTS[name]).parse_args([str(tmp_path), *words.split()])
    (plan,) = runner.plans_of(EXPERIMENTS[name])(args)
    (run,) = plan.runs
    assert plan.by.startswith(f"{name}.py, ")
    rows = plan.finish([run.labels | {"seed": 0} | plan.score(finished)])
    table = runner.markdown(rows + plan.baselines, EXPERIMENTS[name].columns)
    assert EXPERIMENTS[name].columns.keys() <= rows[0].keys() and len(table.splitlines()) == 2 + len(
        rows + plan.baselines
    )
