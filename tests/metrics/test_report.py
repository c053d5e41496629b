from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter

from sparring.data.named import stack_digits
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.features.registry import JudgeData
from sparring.metrics.image import judge
from sparring.metrics.image.judge import judge_images
from sparring.metrics.judge import SampleSet
from sparring.metrics.metric import Metric
from sparring.metrics.report import Report, evaluate_samples
from sparring.modalities.load import load_dataset


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def new_judge(data, where):
    train, test = data.train, data.test
    pictures = JudgeData(train.values, test.values, train.labels, data.classes, data.fingerprint, test.labels)
    return judge_images(pictures, where)


@pytest.fixture(scope="module")
def jury(digits, session):
    return new_judge(digits, session / "cache" / "sparring")


def test_the_classifier_is_worth_asking(jury):
    assert jury.accuracy > 0.95


def test_the_parts_do_not_overlap(digits, jury):
    n = len(digits.train)
    assert torch.equal(jury.real_images("select"), digits.train.values[2 * n // 3 : 2 * n // 3 + n // 6])
    assert torch.equal(jury.real_images("report"), digits.train.values[2 * n // 3 + n // 6 :])


def test_trivial_samplers_lose_to_real_images(digits, jury):
    report = evaluate_samples(digits.test.values[:200], jury)
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


def test_unlabelled_images_are_judged_by_features_of_their_own(digits, tmp_path):
    jury = judge_images(JudgeData(digits.train.values, digits.test.values, None, 0, "x"), tmp_path)
    assert jury.accuracy is None and "self features" in jury.protocol("report", 10)
    assert [path.name for path in (tmp_path / "judges").glob("*.safetensors")] == ["x-self.safetensors"]
    assert jury.scores(digits.test.values)["frechet"] < jury.scores(torch.zeros_like(digits.test.values))["frechet"]


def test_few_images_without_classes_are_judged_by_their_pixels(digits, tmp_path):
    """Too few to fit a network to, and to be met by as few samples."""
    jury = judge_images(JudgeData(digits.train.values[:60], digits.test.values, None, 0, "few"), tmp_path)
    assert (jury.features.name, jury.sample_count("select"), jury.sample_count("report")) == ("pixels", 256, 10)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_trivial_rows_do_not_depend_on_how_many_images_are_changed_at_once(jury, monkeypatch):
    rows = list(jury.baselines(200))
    monkeypatch.setattr(judge, "_CHUNK", 16)
    for (name, whole), (_, pieces) in zip(rows, jury.baselines(200), strict=True):
        assert torch.equal(whole.values, pieces.values), name


def test_what_a_trivial_sampler_wins_is_said(digits, jury):
    noise = dict(jury.baselines(200))["noise"].values
    report = evaluate_samples(noise, jury, ["frechet", "support"])
    won = report.outperformed_by["model"]["frechet"]
    assert won[:2] == ["training copies", "noisy copies"] and "noise" not in won
    assert "baselines that outperform model: frechet (training copies" in report.table()
    assert not evaluate_samples(digits.train.values[-200:], jury, ["frechet"]).outperformed_by
    assert report.table().splitlines()[0].split()[:2] == ["frechet", "↓"]
    assert TypeAdapter(Report).validate_python(report.to_dict()).outperformed_by == report.outperformed_by


def test_replay_is_flagged_and_new_images_are_not(digits, jury):
    rows = {row.name: row.scores for row in evaluate_samples(digits.train.values[:200], jury, ["memorisation"]).rows}
    assert rows["model"]["copied_p"] < 1e-3 and rows["training copies"]["copied"] == 1
    assert rows["real"]["copied_p"] > 1e-3 and rows["noise"]["copied"] == 0


def test_every_metric_of_real_digits(digits, jury):
    report = evaluate_samples(digits.test.values, jury, ["frechet", "kernel", "support", "memorisation", "classes"])
    model, real = report.rows[0].scores, report.rows[1].scores
    assert model == real and model["classes"] == 10 and model["class_kl"] < 0.05 < model["coverage"]
    assert abs(model["kid"]) < 4 * model["kid_error"] and 5 < model["inception_score"] <= 10


def test_all_is_what_can_be_taken(digits, jury):
    names = {name for name in jury.choose_metrics(["all"], SampleSet(digits.test.values), 250)}
    assert names == {"frechet", "kernel", "support", "memorisation", "classes", "patches"}


def test_a_metric_of_your_own(jury, digits):
    dark = Metric(
        "share of black", {"dark": "less"}, lambda case: {"dark": float((case.fake.values == 0).double().mean())}
    )
    report = evaluate_samples(digits.test.values[:100], jury, ["frechet"], {"dark": dark})
    assert list(report.rows[0].scores) == ["frechet", "dark"] and report.protocol.endswith("share of black")
    assert "noise" in report.outperformed_by["model"]["dark"]


def test_intervals_cover_what_other_samples_score(jury, digits):
    shuffled = digits.train.values[torch.randperm(len(digits.train), generator=torch.Generator().manual_seed(0))]
    one, *others = (
        evaluate_samples(part, jury, ["support"], intervals=True).rows[0] for part in shuffled.split(240)[:6]
    )
    assert set(one.intervals) == {"precision", "recall", "density", "coverage"}
    inside = [
        abs(other.scores[name] - one.scores[name]) < 2 * margin
        for other in others
        for name, margin in one.intervals.items()
    ]
    assert sum(inside) / len(inside) > 0.8 and max(one.intervals.values()) < 0.3


def test_intervals_are_of_scores_that_can_be_better(jury, digits):
    calls = []

    def once(case):
        calls.append(case)
        return {"seen": 1.0}

    told = Metric("seen", {"seen": "neither"}, once)
    row = evaluate_samples(digits.test.values[:100], jury, ["support"], own={"seen": told}, intervals=True).rows[0]
    assert "seen" not in row.intervals and row.scores["seen"] == 1.0 and len(calls) == 1 + 7


@pytest.mark.parametrize("name", ["random", "pixels"])
def test_other_features(digits, tmp_path, name):
    jury = judge_images(JudgeData(digits.train.values, digits.test.values, None, 0, "x"), tmp_path, name)
    rows = {row.name: row.scores["frechet"] for row in evaluate_samples(digits.test.values, jury).rows}
    assert rows["real"] < 0.5 * min(rows["mean image"], rows["noise"], rows["one copy"])
    assert f"{name} features {jury.features.digest}" in jury.protocol("report", 10)


def test_bad_asking(digits, jury, tmp_path):
    some = digits.test.values[:100]
    for name, expected in (
        ("frechett", "unknown metric 'frechett' .did you mean 'frechet'"),
        ("frechet-infinity", "frechet-infinity needs 1,024 samples or more, there are 100"),
        ("likeness", "needs images of 11×11 or larger"),
        ("conditional", "conditional needs a conditional model of labelled data"),
    ):
        with pytest.raises(UserError, match=expected):
            evaluate_samples(some, jury, [name])
    with pytest.raises(UserError, match="conditional needs a class with two samples and two real images"):
        evaluate_samples(SampleSet(some[:10], torch.arange(10)), jury, ["conditional"])
    bare = JudgeData(digits.train.values, digits.test.values, None, 0, "x")
    with pytest.raises(UserError, match=r"unknown features 'pixel'.*did you mean 'pixels'"):
        judge_images(bare, tmp_path, "pixel")
    with pytest.raises(UserError, match="task features need images with classes"):
        judge_images(bare, tmp_path, "task")
    with pytest.raises(UserError, match="classes needs a classifier"):
        evaluate_samples(some, judge_images(bare, tmp_path), ["classes"])
    with pytest.raises(UserError, match="mine features 0 of some images are not finite"):
        judge_images(bare, tmp_path, FeatureExtractor("mine", lambda x: x.flatten(1) / 0, "0"))


def test_stacks_are_judged_digit_by_digit(tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.metrics.features.extractors._STEPS", 300)
    whole = load_dataset("digits")
    g = torch.Generator().manual_seed(0)
    train, test = stack_digits(whole.train, 3_000, g), stack_digits(whole.test, 800, g)
    jury = judge_images(JudgeData(train.values, test.values, train.labels, 1000, "x", test.labels), tmp_path, "stacked")
    assert jury.accuracy > 0.9
    scores = {row.name: row.scores for row in evaluate_samples(test.values[:400], jury, ["classes"]).rows}
    assert scores["real"]["class_kl"] < 0.6 * scores["one copy"]["class_kl"] and scores["one copy"]["classes"] == 1
    assert jury.features(test.values[:3]).shape == (3, 384)
    with pytest.raises(UserError, match="stacked features need stacked digits"):
        judge_images(JudgeData(train.values, test.values, None, 0, "x"), tmp_path, "stacked")


def test_samples_teach_what_they_show(digits, jury, monkeypatch):
    monkeypatch.setattr("sparring.metrics.image.classifier_scores._STEPS", 100)
    drawn = SampleSet(digits.test.values, digits.test.labels)
    rows = {row.name: row.scores["taught"] for row in evaluate_samples(drawn, jury, ["taught"]).rows}
    assert rows["model"] == rows["real"] > 0.85 and rows["training copies"] > 0.85 > 0.3 > rows["noise"]


def test_neither_batch_size_nor_threads_move_a_score(digits, jury, monkeypatch):
    def scores():
        fresh = replace(jury)  # nothing worked out before
        return fresh.scores(
            digits.test.values, "report", fresh.select_metrics(["frechet", "kernel", "support", "memorisation"])
        )

    first = scores()
    monkeypatch.setattr("sparring.metrics.features.features.EXTRACTOR_BATCH", 37)
    monkeypatch.setattr("sparring.metrics.distances.MAX_DISTANCES", 9_000)
    torch.set_num_threads(2)
    try:
        second = scores()
    finally:
        torch.set_num_threads(1)
    for name, value in first.items():
        assert second[name] == pytest.approx(value, rel=1e-5), name
