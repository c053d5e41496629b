"""The commands that look before a run is made: data scan and preview, advice, forecasts; and what they refuse."""

import json

import pytest
from commands import refused, spar
from PIL import Image
from test_run import SMALL

import sparring


@pytest.fixture
def folder(tmp_path):
    """Two classes of 8×12 pictures, one of them broken."""
    for name, hue in (("cats", 40), ("dogs", 200)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(12):
            picture = Image.effect_noise((12, 8), 60 + i).convert("RGB")
            Image.blend(picture, Image.new("RGB", (12, 8), (hue, 90, 90)), 0.5).save(
                tmp_path / "pets" / name / f"{i}.png"
            )
    (tmp_path / "pets" / "dogs" / "broken.png").write_bytes(b"\x89PNG no more")
    return tmp_path / "pets"


def test_a_scan_tells_what_is_there(folder, tmp_path, capsys):
    assert spar("data", "scan", folder, "--out", tmp_path / "sheet.png", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["examples"] == 24 and found["classes"] == {"cats": 12, "dogs": 12}
    assert [name for name, _ in found["broken"]] == ["dogs/broken.png"]
    assert Image.open(tmp_path / "sheet.png").size[0] > 100
    assert spar("data", "scan", folder) == 0
    assert "dogs/broken.png" in capsys.readouterr().out


def test_a_preview_is_what_the_network_sees(folder, tmp_path):
    assert spar("data", "preview", folder, "--size", "8x8", "--flip", "--out", tmp_path / "a.png") == 0
    assert Image.open(tmp_path / "a.png").size[0] > 100


def test_tables_are_looked_at_in_pictures_too(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("age,sort\n" + "\n".join(f"{20 + i % 30},{'ab'[i % 2]}" for i in range(60)))
    for command in ("scan", "preview"):
        assert spar("data", command, table, "--out", tmp_path / f"{command}.png") == 0
        assert Image.open(tmp_path / f"{command}.png").size[0] > 100


def test_training_on_data_alone_picks_a_recipe_and_says_why(folder, tmp_path, capsys, quick_judge):
    words = ["train", folder, "--size", "8x12", "--out", tmp_path / "run", "--images", 64, "--reports", 1]
    assert spar(*words, "--generator.width", 4, "--critic.width", 4) == 0
    told = capsys.readouterr().err
    assert "no recipe named, so:" in told and "rpgan: the best on MNIST" in told and "2 classes" in told
    assert sparring.load(tmp_path / "run").sample(2).shape == (2, 3, 8, 12)
    left_out = json.loads((tmp_path / "run" / "quarantine.json").read_text())
    assert [each["file"] for each in left_out] == ["dogs/broken.png"]


def test_a_dry_run_forecasts_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert spar("train", "mlp-gan", "--dry-run", "--json", "--images", 3200, *SMALL) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"]["examples"] == 3200 and told["config"]["recipe"]["batch"] == 32
    cost, sizes = told["forecast"], (100 * 16 + 16 + 16 * 16 + 16 + 16 * 64 + 64, 64 * 16 + 16 + 16 * 16 + 16 + 17)
    assert cost["parameters"] == {"G": sizes[0], "D": sizes[1]}
    assert cost["seconds"] == pytest.approx(3200 / cost["images_per_second"]) and cost["memory"] > 2**20
    assert cost["reports"] == 2 and cost["scoring_seconds"] > 0 and "cost" not in cost
    assert cost["total_seconds"] == pytest.approx(cost["seconds"] + 2 * cost["scoring_seconds"])
    assert not list(tmp_path.iterdir())


def test_a_dry_run_tells_the_disk_and_the_cost_of_the_run(tmp_path, capsys):
    """Its disk is that of the same run, but for papers and pictures."""
    words = ["train", "points", "--data", "ring", "--images", 1024, "--reports", 4, *SMALL[:4], "--out"]
    assert spar(*words, tmp_path / "run", "--dry-run", "--json", "--price", 3, "--minutes", 60) == 0
    cost = json.loads(capsys.readouterr().out)["forecast"]
    assert cost["cost"] == pytest.approx(3 * cost["total_seconds"] / 3600) and not list(tmp_path.iterdir())
    assert spar(*words, tmp_path / "run", "--dry-run", "--price", 3) == 0
    told = capsys.readouterr().out
    assert f"in {tmp_path / 'run'}" in told and "at 3 an hour" in told
    assert spar(*words, tmp_path / "run") == 0
    files = [f.stat().st_size for f in (tmp_path / "run").rglob("*.safetensors")]
    assert 0.5 * cost["disk"] < sum(files) < 1.5 * cost["disk"]
    capsys.readouterr()
    assert spar(*words, tmp_path / "other", "--dry-run", "--price", "dear") == 2
    assert capsys.readouterr().err == "spar: --price dear: write an hour's price as a number, like 2.5\n"


def test_a_run_that_stops_by_the_clock_is_forecast_to(tmp_path):
    config = sparring.api.configure("points", "ring", images=10**9, minutes=0.5, threads=1)
    plan = sparring.plan(config)
    assert plan.seconds == 30 and plan.playing > 30 and plan.cost(120) == pytest.approx(1)


def test_mirrored_training_draws_twice_as_many(tmp_path):
    reading = sparring.Options(flip=True)
    run = sparring.train("mlp-gan", "digits", tmp_path / "run", images=100, reports=1, reading=reading)
    assert len(run.loop.stream.source) == 2 * len(run.data.train)


def test_points_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "ring"
    assert spar("train", "ring", "--out", out, "--images", 512, "--reports", 1, "--json", *SMALL[:4]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row["scores"] for row in told["scores"]["rows"]}
    assert 0 < told["scoring_share"] < 1
    assert rows["real"]["modes"] == 8 and set(rows) == {"model", "real", "mean", "gaussian"}
    assert spar("sample", out, "--seeds", "0-3,9", "--out", tmp_path / "points.csv") == 0
    assert len((tmp_path / "points.csv").read_text().splitlines()) == 6
    assert spar("sample", out, "--out", tmp_path / "ring.gif") == 0


BAD = {
    "no such data": (["data", "scan", "{tmp}/nowhere"], "nowhere"),
    "no out": (["train", "dcgan"], "--out"),
    "medium": (["train", "dcgan", "--data", "ring", "--out", "{tmp}/new"], "makes images, but ring holds points"),
    "size of points": (["train", "points", "--data", "ring", "--size", "8", "--out", "{tmp}/new"], "is of points"),
    "seeds": (["sample", "{tmp}", "--seeds", "a-b", "--out", "{tmp}/x.png"], "write them like 0-15"),
    "more than a span": (["sample", "{tmp}", "--seeds", "1-2-9", "--out", "{tmp}/x.png"], "write them like 0-15"),
    "a span backwards": (["sample", "{tmp}", "--seeds", "1,9-2", "--out", "{tmp}/x.png"], "write them like 0-15"),
    "too many seeds": (
        ["sample", "{tmp}", "--seeds", "0-9999999999", "--out", "{tmp}/x.png"],
        "are 10,000,000,000 seeds",
    ),
    "seeds of a film": (["sample", "{tmp}", "--seeds", "0-3", "--out", "{tmp}/x.gif"], "omit --seeds, --label"),
    "bad fit": (["train", "dcgan", "--fit", "corp", "--out", "{tmp}/new"], "did you mean 'crop'"),
    "picture exists": (["data", "preview", "digits", "--out", "{tmp}/there.png"], "exists: choose another"),
    "unknown score": (["train", "mlp-gan", "--until", "modes>3", "--out", "{tmp}/new"], "only frechet"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line(case, tmp_path, capsys):
    (tmp_path / "there.png").write_bytes(b"mine")
    words, expected = BAD[case]
    assert expected in refused(capsys, *[word.format(tmp=tmp_path) for word in words])
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
