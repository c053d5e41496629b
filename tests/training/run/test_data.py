"""A run finds its data again, wherever run and data are now."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from cases import examples
from commands import SMALL, refused, spar
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import sparring
from sparring.api import configure
from sparring.errors import UserError
from sparring.modalities.load import load_dataset
from sparring.training.config.config import Config
from sparring.training.run.data import DATA_FILE, DataRecord, RunData

TINY = (*SMALL, "--images", "64", "--threads", "1")


def write_images(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    for i, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (40, 8, 8), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with `pics/` and a run trained on it from there, with relative paths."""
    folder = tmp_path_factory.mktemp("place")
    write_images(folder / "pics", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert spar("train", "mlp-gan", "--data", "pics/", "--out", "work/r1", *TINY) == 0
    return folder


@pytest.fixture
def copy(place, tmp_path, monkeypatch) -> Path:
    """A copy of the whole place, which no longer exists under its old name."""
    folder = tmp_path / "place"
    shutil.copytree(place, folder)
    record = DataRecord.load(folder / "work" / "r1")
    assert record.data == ("../../pics", str(place / "pics"))
    gone = record.data[0], str(tmp_path / "gone" / "pics")
    (folder / "work/r1" / DATA_FILE).write_text(json.dumps({"data": gone, "labels": [], "earlier": []}))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_run_does_not_depend_on_the_working_directory(place, tmp_path, monkeypatch):
    """The folder `pics/` of another working directory is not its data."""
    write_images(tmp_path / "pics", 1)
    monkeypatch.chdir(tmp_path)
    report = sparring.evaluate(place / "work/r1", 20, metrics=["frechet"])
    monkeypatch.chdir(place)
    assert sparring.evaluate("work/r1", 20, metrics=["frechet"]).rows[0].scores == report.rows[0].scores


def test_run_and_data_moved_together(copy):
    assert spar("evaluate", copy / "work/r1", "--samples", "20", "--metrics", "frechet") == 0


def test_the_run_alone_moved(place, tmp_path):
    shutil.copytree(place / "work/r1", tmp_path / "elsewhere")
    assert spar("evaluate", tmp_path / "elsewhere", "--samples", "20", "--metrics", "frechet") == 0


def test_the_data_alone_moved(copy, tmp_path, capsys):
    run = copy / "work/r1"
    shutil.move(copy / "pics", tmp_path / "moved")
    words = ("evaluate", run, "--samples", "20", "--metrics", "frechet")
    message = refused(capsys, *words)
    assert f"the data of {run} is not at {copy / 'pics'} or {tmp_path / 'gone' / 'pics'}" in message
    assert "--data PATH" in message
    assert spar(*words, "--data", tmp_path / "moved") == 0


def test_other_data_is_refused_or_flagged(copy, tmp_path, capsys):
    shutil.rmtree(copy / "pics")
    write_images(copy / "pics", 2)
    words = ("evaluate", copy / "work/r1", "--samples", "20", "--metrics", "frechet")
    assert "its fingerprint has changed" in refused(capsys, *words)
    assert "--reference" in refused(capsys, "compare", copy / "work/r1", "--samples", "20")
    assert spar(*words, "--changed-data") == 0
    assert "not what the run was trained on" in capsys.readouterr().out


def unfinished(run: Path) -> None:
    (run / "scores.json").unlink()


def test_resume_records_where_the_data_is(copy, tmp_path):
    run = copy / "work/r1"
    unfinished(run)
    shutil.move(copy / "pics", tmp_path / "moved")
    assert spar("resume", run, "--data", "moved") == 0
    assert DataRecord.load(run).data == ("../../../moved", str(tmp_path / "moved"))
    unfinished(run)
    assert spar("resume", run) == 0


def test_resume_on_changed_data_is_recorded(copy, tmp_path, capsys):
    run = copy / "work/r1"
    before = json.loads((run / "run.json").read_text())["data_fingerprint"]
    unfinished(run)
    write_images(tmp_path / "others", 3)
    assert "its fingerprint has changed" in refused(capsys, "resume", run, "--data", "others")
    assert spar("resume", run, "--data", "others", "--changed-data") == 0
    out = capsys.readouterr()
    assert "continues on other data" in out.err and before in out.out
    assert DataRecord.load(run).earlier == (before,)
    unfinished(run)
    assert spar("resume", run) == 0


def test_a_label_file_is_found_again(tmp_path, monkeypatch):
    write_images(tmp_path / "a" / "pics", 0)
    labels = "\n".join(f"{i:02d}.png,{'ab'[i % 2]}" for i in range(40))
    (tmp_path / "a" / "labels.csv").write_text(f"file,label\n{labels}\n")
    monkeypatch.chdir(tmp_path / "a")
    options = sparring.Options(labels="labels.csv")
    config = configure("mlp-gan", "pics", data_options=options)
    run, fingerprint = tmp_path / "a" / "run", load_dataset("pics", options).fingerprint
    run.mkdir()
    config.save(run, fingerprint)
    DataRecord.of(config, run).save(run)
    monkeypatch.chdir(tmp_path)
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert RunData.of_run("b/run").load().fingerprint == fingerprint


def test_a_damaged_record_is_one_line(copy, capsys):
    (copy / "work/r1" / DATA_FILE).write_text("{]")
    assert "data.json is damaged" in refused(capsys, "evaluate", copy / "work/r1")


def test_a_run_without_the_record_reads_the_path_as_typed(copy, monkeypatch):
    (copy / "work/r1" / DATA_FILE).unlink()
    monkeypatch.chdir(copy)
    assert spar("evaluate", "work/r1", "--samples", "20", "--metrics", "frechet") == 0


names = st.text("ab .é日-_", min_size=1, max_size=6).filter(lambda name: name.strip(". ") == name)


CHANGES = {
    "nothing": True,
    "the run moved": True,
    "the data moved": False,
    "both moved": True,
    "both moved, other data in the old place": True,
    "the run moved beside other data": True,
    "both moved, a link to the run": True,
    "other data in the same place": False,
}
"""Whether the data is found."""


def make_changes(change: str, root: Path, data: str, run: str) -> Path:
    """Moves `x/DATA` and `y/RUN`, and returns the run's folder."""
    deeper = root / "p" / "q"
    deeper.mkdir(parents=True)
    if change == "the data moved":
        shutil.move(root / "x", deeper)
    if change.startswith(("the run moved", "both moved")):
        shutil.move(root / "y", deeper)
    if change.startswith("both moved"):
        shutil.move(root / "x", deeper)
    other = {
        "both moved, other data in the old place": root / "x" / data,
        "the run moved beside other data": deeper / "x" / data,
        "other data in the same place": root / "x" / data,
    }.get(change)
    if other:
        shutil.rmtree(other, ignore_errors=True)
        write_images(other, 1)
    folder = next(root.rglob(f"y/{run}"))
    if change == "both moved, a link to the run":
        (root / "link to run").symlink_to(folder)
        folder = root / "link to run"
    return folder


@examples(20)
@given(
    names.map("run{}".format),
    names.map("pics{}".format),
    st.sampled_from(list(CHANGES)),
    st.sampled_from(["relative", "absolute", "dotted", "link"]),
)
def test_paths(place, run_name, data_name, change, spelling):
    """The data of the run, or an error: never other data."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder).resolve()
        data, run = root / "x" / data_name, root / "y" / run_name
        shutil.copytree(place / "pics", data)
        shutil.copytree(place / "work" / "r1", run)
        (root / "link").symlink_to(data)
        patch.chdir(root)
        typed = {"relative": f"x/{data_name}", "absolute": str(data), "dotted": f"y/../x/{data_name}/", "link": "link"}
        config, fingerprint = Config.load(run)
        config = replace(config, data=typed[spelling])
        config.save(run, fingerprint)
        DataRecord.of(config, run).save(run)
        run_data = RunData.of_run(make_changes(change, root, data_name, run_name))
        if CHANGES[change]:
            loaded = run_data.load()
            assert loaded.fingerprint == fingerprint and loaded.spec == typed[spelling]
        else:
            with pytest.raises(UserError, match="--data PATH"):
                run_data.load()
