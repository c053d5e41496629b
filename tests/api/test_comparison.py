"""Models side by side: what is compared, and what is refused."""

import json
import re
from pathlib import Path

import pytest
import torch
from commands import refused, spar
from PIL import Image

import sparring
from sparring.errors import UserError
from sparring.modalities.load import load_dataset


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    where = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        sparring.train("mlp-gan", "digits", where / f"run-{seed}", images=200, reports=1, seed=seed)
    return where


def pictures(folder, images):
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image[0].numpy()).save(folder / f"{i}.png")


def test_runs_a_folder_and_a_set_in_one_table(runs, tmp_path, capsys):
    pictures(tmp_path / "real", load_dataset("digits").test.values[:240])
    things = [runs / "run-0", runs / "run-1", tmp_path / "real", "digits"]
    assert spar("compare", *things, "--metrics", "frechet", "support", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    scores = {row["name"]: row["scores"] for row in report["rows"]}
    assert list(scores)[:5] == [*map(str, things), "real"] and "240 samples" in report["protocol"]
    assert max(scores[str(things[2])]["frechet"], scores["digits"]["frechet"]) < 0.2 * scores[str(things[0])]["frechet"]


def test_a_page_of_several(runs, tmp_path):
    page = tmp_path / "beside.html"
    assert spar("compare", runs / "run-0", runs / "run-1", "digits", "--metrics", "frechet", "--page", page) == 0
    text = page.read_text()
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert [Path(h.split(":")[0]).name for h in headings[:6]] == ["Scores", "Real", "run-0", "run-0", "run-1", "run-1"]
    assert headings[-2:] == ["Training", "Configuration"] and text.count('<tr class="model">') == 3
    assert text.count("<details>") == 2 and 'src="data:image/png' in text and "http" not in text


def test_smoothness_stands_with_the_model_alone(runs, capsys):
    assert spar("evaluate", runs / "run-0", "--metrics", "frechet", "--smoothness") == 0
    head, model, real, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["frechet", "↓", "path_length", "↓", "samples"]
    assert len(model.split()) == 4 and len(real.split()) == 3


def test_saved_reports_need_one_protocol(runs, tmp_path, capsys):
    for name, n in (("a", 100), ("b", 100), ("c", 90)):
        spar("evaluate", runs / "run-0", "--samples", n, "--metrics", "frechet", "--json")
        (tmp_path / f"{name}.json").write_text(capsys.readouterr().out)
    a, b, c = (tmp_path / f"{name}.json" for name in "abc")
    assert spar("compare", a, b) == 0
    assert "c.json was scored by another protocol than" in refused(capsys, "compare", a, c)
    assert spar("compare", a, c, "--mixed") == 0
    assert "MIXED PROTOCOLS, scores are not comparable: " in capsys.readouterr().out
    assert "a page shows samples, and saved reports have none" in refused(capsys, "compare", a, b, "--page", "p.html")
    assert "there is no folder" in refused(capsys, "compare", runs / "run-0", "--page", tmp_path / "no" / "p.html")
    with pytest.raises(UserError, match=r"c\.json was scored by another protocol"):
        sparring.compare([a, c])


def test_bad_things(runs, tmp_path, capsys):
    run = runs / "run-0"
    pictures(tmp_path / "mixed", [torch.zeros(1, 8, 8, dtype=torch.uint8), torch.zeros(1, 9, 8, dtype=torch.uint8)])
    pictures(tmp_path / "large", [torch.zeros(1, 16, 16, dtype=torch.uint8)] * 3)
    pictures(tmp_path / "single", [torch.zeros(1, 8, 8, dtype=torch.uint8)])
    (tmp_path / "no.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    for things, expected in (
        ([tmp_path / "mixed"], "holds pictures of 8×8, 9×8: bring all to 8×8"),
        ([tmp_path / "large"], "holds pictures of 16×16: bring all to 8×8"),
        ([tmp_path / "single"], "has 1 usable images"),
        ([tmp_path / "empty"], "has 0 usable images"),
        ([tmp_path / "no.json"], "is no report"),
        ([tmp_path / "gone.json"], "can't read"),
        ([tmp_path / "gone"], "no data set or folder"),
        ([run], "named twice"),
        (["digits", "--samples", -5], "samples is -5: it must be 2 or more"),
        (["digits", "--samples", 9_999], "images, and 9,999 samples were asked for"),
    ):
        assert expected in refused(capsys, "compare", run, *things)
    assert "say what to compare with" in refused(capsys, "compare", "digits")


def test_a_conditional_model_is_scored_by_class(tmp_path):
    run = sparring.train("cgan", "digits", tmp_path / "run", images=200, reports=1)
    assert run.report is not None
    rows = {row.name: row.scores for row in run.report.rows}
    assert rows["real"]["class_accuracy"] > 0.9 and rows["training copies"]["class_accuracy"] > 0.9
    assert rows["noise"]["class_accuracy"] < 0.3 and rows["model"]["class_accuracy"] < 0.5
    assert rows["real"]["class_frechet"] < 0.5 * rows["mean image"]["class_frechet"]
    asked = run.model.sampled_labels(700, seed=3)
    assert asked is not None and len(asked) == 700
    assert torch.equal(asked[:9], torch.cat([run.model.draw_inputs(3)[1]])[:9])
