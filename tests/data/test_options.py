"""What can be asked of images, and what is said of what can't."""

import json
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from sparring.data import Options
from sparring.errors import UserError


@pytest.mark.parametrize("size", [(3, 8), (8, 1025), 8, (8,), (8, 8, 8), (8.0, 8), ("8", 8), (True, 8), "8"])
def test_bad_size(size):
    with pytest.raises(UserError, match="whole numbers from 4 to 1024") as told:
        Options(size=size)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text, size", [("64", (64, 64)), ("64x96", (64, 96)), (" 8 X 9 ", (8, 9)), ("8×4", (8, 4))])
def test_parse_size(text, size):
    assert Options.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "64x", "x64", "64x64x3", "-8", "8.5", "2000", "64x3", "9" * 5000, "a\nb"])
def test_bad_text(text):
    with pytest.raises(UserError) as told:
        Options.parse_size(text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("field, word, meant", [("fit", "corp", "crop"), ("channels", "RGB", "rgb")])
def test_bad_word(field, word, meant):
    with pytest.raises(UserError, match=f"unknown {field} '{word}' .did you mean '{meant}'"):
        Options(**{field: word})


def test_json_and_back():
    options = Options((64, 96), "pad", "grey", True, "a.csv")
    text = json.dumps(asdict(options))
    assert TypeAdapter(Options).validate_json(text) == options == Options(**json.loads(text))
    assert TypeAdapter(Options).validate_json("{}") == Options()
