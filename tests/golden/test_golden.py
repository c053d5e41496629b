"""What recipes compute is what their golden files hold (`python tests/golden/make.py` writes them)."""

import json
from pathlib import Path

import pytest
import tiny_runs
from golden import make

NAMES = sorted(tiny_runs.recipes())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    tiny_runs.write_data(folder)
    return folder


@pytest.fixture(scope="module")
def told():
    return tiny_runs.recipes(), tiny_runs.spar("train", "--help")[1]


@pytest.mark.usefixtures("quick_judge")
@pytest.mark.parametrize("recipe", NAMES)
def test_golden(recipe, data, told):
    known, help_text = told
    expected = json.loads((make.HERE / f"{recipe}.json").read_text())
    found = make.golden(recipe, known[recipe], data, help_text)
    lines = make.differences(expected, json.loads(json.dumps(found)))
    assert not lines, "\n".join(["", *lines])


def test_every_recipe_has_a_file_and_every_file_a_recipe():
    assert sorted(path.stem for path in Path(make.HERE).glob("*.json")) == NAMES
