"""The runner of experiments, without training."""

import json
from dataclasses import replace

import pytest

from sparring.modalities.load import load_dataset
from sparring.recipes import RECIPES

COMMANDS = {
    "field": "out --rows cgan --data fashion-mnist --seeds 0 1 2 --images 400000 --precision auto --pictures dir",
    "colour": "out digits --rows rpgan+lr=1e-3 --minutes 30 --size 64 --device cuda",
    "few": "out digits --count 200 --recipes rpgan+lr=2e-3:2e-4 --ways plain --images 1000 --source run --freeze 2",
    "stacked": "out --recipes rpgan --threads 1",
    "modes": "--sets ring --ways gan --flag lr=1e-3",
    "encoders": "out --recipes ali",
    "pairs": "out --seeds 1",
    "restore": "out --tasks mnist_hole --precision auto --share 0.01",
    "translate": "out --recipes pix2pix+augment=flip,hue --precision auto",
    "tables": "out --asked --validation --sets adult --ways table ctgan",
    "search": "out dcgan --vary lr 2e-3 5e-3",
}


@pytest.fixture
def runner(experiments, monkeypatch, tmp_path):
    from experiments import ledger, runner

    monkeypatch.setattr(ledger, "ROWS", tmp_path / "rows.jsonl")
    return runner


def test_documented_commands(runner):
    from experiments.table import EXPERIMENTS

    assert EXPERIMENTS.keys() == COMMANDS.keys()
    for name, words in COMMANDS.items():
        parser = runner.parser_of(name, EXPERIMENTS[name])
        assert parser.parse_args([word.replace("_", " ") for word in words.split()]).seeds
        assert callable(runner.plans_of(EXPERIMENTS[name])) and parser.format_help()


def test_restoration_tasks_are_recipes_of_their_length(runner):
    from experiments.table import tasks

    found = tasks(0.01, ["lr=1e-4"])
    assert found.keys() == tasks().keys() and found["mnist hole"].images == found["mnist hole"].recipe.images == 3000
    assert found["trashnet edges"].recipe.game.options["degradations"] == ("edges",)


def test_a_run_is_trained_once_and_then_read_from_the_ledger(runner, monkeypatch, tmp_path, capsys):
    """With the command's rows and baselines as Markdown or JSON."""
    from experiments import plan, table
    from experiments.scores import images

    trained = []

    def train(recipe, data, run, **options):
        trained.append((recipe.name, options["seed"]))
        run.mkdir(parents=True)
        (run / "scores.json").write_text("{}")

    monkeypatch.setattr("sparring.train", train)
    data, recipe = load_dataset("digits"), replace(RECIPES["dense"], images=640)

    def plans(args):
        runs = [plan.Run("dense", recipe, data, 640, {"row": "dense"})]
        yield plan.Plan("test", runs, lambda run: {"kl": 0.5}, [{"row": "real", "kl": 0.0}])

    monkeypatch.setattr(images, "test_plans", plans, raising=False)
    experiment = table.Experiment("", "images.test_plans", {"seeds": [0]}, {"row": "", "seed": "", "kl": ".2f"})
    for _ in range(2):
        runner.run("test", experiment, [str(tmp_path / "runs"), "--seeds", "0", "1"])
    assert trained == [("dense", 0), ("dense", 1)]
    assert capsys.readouterr().out.endswith("| dense | 1 | 0.50 |\n| real |  | 0.00 |\nprotocol: test\n")
    runner.run("test", experiment, [str(tmp_path / "runs"), "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows == [{"row": "dense", "seed": 0, "kl": 0.5}, {"row": "real", "kl": 0.0}]


def test_rows_of_modes_are_means_over_seeds(experiments):
    from experiments.scores.points import summaries

    scores = [{"modes": n, "high_quality": 0.5, "kl": 0.1} for n in (6, 8)]
    rows = [{"row": "ring gan", "data": "ring", "seed": k, "model": s, "real": scores[1]} for k, s in enumerate(scores)]
    first, second = summaries(rows)
    assert (first["row"], first["modes"], second["row"], second["modes"]) == ("ring gan", 7, "ring real", 8)
