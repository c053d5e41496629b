"""Rows that are kept: scored once, anew for other data or another protocol, and whenever the file is no good."""

import pytest

from sparring.metrics.baseline_cache import BaselineCache
from sparring.metrics.report import ReportRow

ROWS = [ReportRow("real", {"frechet": 1.25}, 100), ReportRow("noise", {"frechet": 9.0}, 100)]


class Scoring:
    def __init__(self):
        self.times = 0

    def __call__(self) -> list[ReportRow]:
        self.times += 1
        return ROWS


@pytest.mark.parametrize("about, protocol, times", [("a", "p", 1), ("b", "p", 2), ("a", "q", 2)])
def test_rows_are_scored_once_for_the_same_data_and_protocol(tmp_path, about, protocol, times):
    scoring = Scoring()
    assert BaselineCache(tmp_path, "a")("p", scoring) == ROWS
    assert BaselineCache(tmp_path, about)(protocol, scoring) == ROWS
    assert scoring.times == times


@pytest.mark.parametrize("content", [b"", b"[", b'[{"name": 3}]', b"\xff\x00"])
def test_a_damaged_file_is_scored_anew(tmp_path, content):
    scoring = Scoring()
    BaselineCache(tmp_path, "a")("p", scoring)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(content)
    assert BaselineCache(tmp_path, "a")("p", scoring) == ROWS and scoring.times == 2
    assert BaselineCache(tmp_path, "a")("p", scoring) == ROWS and scoring.times == 2


def test_a_folder_that_cannot_be_made_costs_time_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("in the way")
    scoring, shelf = Scoring(), BaselineCache(tmp_path / "file" / "rows", "a")
    assert shelf("p", scoring) == ROWS and shelf("p", scoring) == ROWS
    assert scoring.times == 1
