"""The settings of a run: one declaration each."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring.api import configure
from sparring.errors import UserError
from sparring.training.config.config import Config
from sparring.training.config.upgrade import entry_from_v1
from sparring.training.journal import Journal

SOURCE = Path(sparring.__file__).parent
DECLARATION = '    toy: int = setting("a toy", 3, bounds=Bounds(1), aliases=("plaything",))\n'
SCRIPT = """
import json
from pathlib import Path
from sparring import api
from sparring.commands.cli import parser
config = api.configure("points", "ring", plaything=5)
config.save(Path(), "")
saved = json.load(open("run.json"))["config"]["toy"]
given = [], ["--toy", "7"], ["--plaything", "8"]
flags = [parser().parse_known_args(["train", "points", *words])[0].toy for words in given]
print(json.dumps([config.toy, saved, *flags]))
"""


def test_a_new_setting_is_one_line(tmp_path):
    """It is added to a copy of the library, which then has it in Python, as a flag, in --help and in run.json."""
    shutil.copytree(SOURCE, tmp_path / "sparring", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "sparring" / "training" / "config" / "settings.py"
    before, marker, after = path.read_text().partition("    def __post_init__")
    path.write_text(before + DECLARATION + "\n" + marker + after)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert json.loads(python("-c", SCRIPT)) == [5, 5, 3, 7, 8]
    help_text = python("-m", "sparring", "train", "--help")
    assert "--toy" in help_text and "a toy" in help_text and "--plaything" not in help_text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"exampels": 5}, r"no setting 'exampels' \(did you mean 'examples'\?\); there are: examples, from_run"),
        ({"examples": 5, "images": 5}, "examples is given twice, once as images"),
        ({"examples": 0}, "examples is 0: it must be 1 or more"),
        ({"minutes": 0}, "minutes is 0: it must be above 0"),
        ({"micro_batches": -1}, "micro-batches is -1: it must be 0 or more"),
    ],
)
def test_settings_out_of_place_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        configure("points", "ring", **settings)


def test_earlier_names_of_settings_are_accepted():
    old = {"images": 64, "source": "a", "heal": False, "synchronised": True, "reading": sparring.Options(flip=True)}
    new = dict(zip(("examples", "from_run", "recovery", "sync_batch_norm", "data_options"), old.values(), strict=True))
    assert configure("points", "ring", **old) == configure("points", "ring", **new)


def test_a_newer_run_is_refused(tmp_path):
    configure("points", "ring").save(tmp_path, "")
    path = tmp_path / "run.json"
    about = json.loads(path.read_text())
    assert about["format"] == 2
    path.write_text(json.dumps(about | {"format": 3}))
    with pytest.raises(UserError, match="is of format 3, and this version reads 2"):
        Config.load(tmp_path)


def test_a_journal_of_format_1_goes_on_in_format_2(tmp_path):
    old = {"images": 8, "seconds": 1.0, "scores": {"kl": 2.0}, "vitals": {"edge": 0.5}, "share": 0.5, "waiting": 0.0}
    old["alarms"] = [{"name": "plateau", "saw": "nothing"}]
    new = {"examples": 8, "seconds": 1.0, "scores": {"kl": 2.0}, "health": {"edge": 0.5}, "progress": 0.5}
    new |= {"data_wait": 0.0, "alarms": [{"name": "plateau", "evidence": "nothing"}]}
    (tmp_path / "journal.jsonl").write_text(json.dumps(old) + "\n")
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.entries == [new] and entry_from_v1(new) == new
    journal.rewind(8)
    assert json.loads(journal.path.read_text()) == new
