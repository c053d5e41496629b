import pytest
import torch

from sparring.data import load
from sparring.metrics.judges import judge_images
from sparring.metrics.report import evaluate


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def new_judge(data, where):
    return judge_images(data.train.values, data.test.values, data.train.labels, data.classes, data.fingerprint, where)


@pytest.fixture(scope="module")
def jury(digits, tmp_path_factory):
    return new_judge(digits, tmp_path_factory.getbasetemp().parent / "cache" / "sparring")


def test_the_classifier_is_worth_asking(jury):
    assert jury.accuracy > 0.95


def test_the_parts_do_not_overlap(digits, jury):
    n = len(digits.train)
    assert torch.equal(jury.part("select"), digits.train.values[2 * n // 3 : 2 * n // 3 + n // 6])
    assert torch.equal(jury.part("report"), digits.train.values[2 * n // 3 + n // 6 :])


def test_trivial_samplers_lose_to_real_images(digits, jury):
    report = evaluate(digits.test.values[:200], jury)
    rows = {row.name: row.scores["frechet"] for row in report.rows}
    assert rows["model"] == pytest.approx(jury.scores(digits.test.values[:200])["frechet"])
    assert rows["real"] < 0.2 * min(rows["mean image"], rows["noise"])
    assert {row.samples for row in report.rows} == {200}
    assert "200 samples" in report.protocol and "task features" in report.protocol


def test_a_kept_classifier_is_read_and_a_damaged_one_replaced(digits, tmp_path, quick_judge):
    small = type(digits).of("few", digits.train[:60], digits.test, digits.names)
    first = new_judge(small, tmp_path)
    (kept,) = (tmp_path / "judges").glob("*.safetensors")
    assert new_judge(small, tmp_path).features.digest == first.features.digest
    kept.write_bytes(kept.read_bytes()[:100])
    assert new_judge(small, tmp_path).features.digest == first.features.digest
    assert kept.stat().st_size > 100


def test_fitting_leaves_the_random_state_alone(digits, tmp_path, quick_judge):
    state = torch.get_rng_state()
    new_judge(type(digits).of("few", digits.train[:30], digits.test, digits.names), tmp_path)
    assert torch.equal(state, torch.get_rng_state())


def test_unlabelled_images_are_judged_by_random_features(digits, tmp_path):
    jury = judge_images(digits.train.values, digits.test.values, None, 0, "x", tmp_path)
    assert jury.accuracy is None and "random features" in jury.protocol("report", 10)
    assert jury.scores(digits.test.values)["frechet"] < jury.scores(torch.zeros_like(digits.test.values))["frechet"]
