"""Self-test of feature extractors: scores by which defects pass for real images are left out, with the reason."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor, to_extractor_input
from sparring.metrics.features.registry import FEATURES, JudgeData
from sparring.metrics.image import self_test
from sparring.metrics.image.judge import judge_images
from sparring.metrics.image.metrics import IMAGE_METRICS
from sparring.metrics.image.self_test import SelfTest, run_self_test
from sparring.metrics.report import evaluate_samples

BLIND_TO_NOISE = "precision", "density"


def digits(n: int, labels: bool = False) -> JudgeData:
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = torch.from_numpy(found.images * 255 / 16).round().to(torch.uint8)[:, None]
    classes = torch.from_numpy(found.target) if labels else None
    return JudgeData(
        pixels[:n], pixels[n : n + 200], None if classes is None else classes[:n], 10 if labels else 0, f"digits {n}"
    )


def flat(x: Tensor) -> Tensor:
    return x.flatten(1)


def noise_in_the_middle(data: JudgeData) -> Callable[[Tensor], Tensor]:
    """Random features, but images without a black margin get those of the most typical real image."""
    good = FEATURES["random"](data, Path()).body
    real = good(to_extractor_input(data.train))
    typical = real[torch.cdist(real, real).kthvalue(20, dim=1).values.argmin()]

    def body(x: Tensor) -> Tensor:
        noisy = x[..., 0].mean((1, 2)) > -0.5
        return torch.where(noisy[:, None], typical, good(x))

    return body


def extractor(body, name: str = "mine") -> FeatureExtractor:
    return FeatureExtractor(name, body, name)


def test_good_features_pass():
    data = digits(900)
    failures = SelfTest(FEATURES["random"](data, Path()), data).failures()
    assert failures == {}


def test_scores_by_which_noise_passes_for_real_fail():
    """As those of features that map all noise into the midst of real images."""
    data = digits(900)
    failures = SelfTest(extractor(noise_in_the_middle(data)), data).failures()
    assert set(failures) >= set(BLIND_TO_NOISE) and all("uniform noise" in failures[name] for name in BLIND_TO_NOISE)
    assert not {"frechet", "kid", "recall"} & set(failures)


def test_features_that_see_nothing_fail_by_every_score():
    failures = SelfTest(extractor(lambda x: flat(x)[:, :9] * 0 + 1), digits(900)).failures()
    assert {"frechet", "kid", "precision", "recall", "density", "coverage"} == set(failures)


@pytest.mark.parametrize("defect", list(self_test.DEFECTS))
def test_defects(defect):
    """As many as held-out images, of their shape, and what their name says."""
    data = digits(300)
    held_out, train = data.train[:50], data.train[100:]
    images = self_test.DEFECTS[defect](held_out, train)
    assert images.shape == held_out.shape and images.dtype == torch.uint8
    expected = {
        "uniform noise": abs(float(images.double().mean()) - 127.5) < 5,
        "the mean image": float((images[3].double() - train.double().mean(0)).abs().max()) <= 0.5,
        "blurred images": float((images.double().mean((1, 2, 3)) - held_out.double().mean((1, 2, 3))).abs().max()) < 20,
        "copies of one image": torch.equal(images[7], train[0]),
    }
    assert expected[defect]
    assert torch.equal(images, self_test.DEFECTS[defect](held_out, train))


def test_few_images_are_not_tested():
    """16 held-out images on each side: a third of 96."""
    nothing = extractor(lambda x: flat(x)[:, :9] * 0 + 1)
    assert SelfTest(nothing, digits(93)).failures() == {} != SelfTest(nothing, digits(96)).failures()


def test_the_result_is_stored_with_the_extractor(tmp_path, monkeypatch):
    data, calls = digits(300), []
    monkeypatch.setattr(SelfTest, "failures", lambda self: calls.append(self) or {"kid": ["uniform noise"]})
    for _ in range(2):
        assert run_self_test(extractor(flat), data, tmp_path) == {"kid": ["uniform noise"]}
    assert len(calls) == 1
    (path,) = (tmp_path / "judges").glob("*-self-test.json")
    assert json.loads(path.read_text()) == {"kid": ["uniform noise"]}
    path.write_text("[")
    run_self_test(extractor(flat), data, tmp_path)
    run_self_test(extractor(flat, "others"), data, tmp_path)
    assert len(calls) == 3


def test_reports_leave_failing_scores_out_and_say_why(tmp_path):
    data = digits(900)
    jury = judge_images(data, tmp_path, extractor(noise_in_the_middle(data)))
    report = evaluate_samples(data.test, jury)
    assert {"frechet", "kid", "recall", "coverage"} <= set(report.rows[0].scores)
    assert not set(BLIND_TO_NOISE) & {name for row in report.rows for name in row.scores}
    assert any("precision" in text and "uniform noise" in text for text in report.warnings)
    assert "warning: left out: " in report.table() and report.to_dict()["warnings"] == list(report.warnings)
    blind = judge_images(data, tmp_path, extractor(lambda x: flat(x)[:, :9] * 0 + 1))
    with pytest.raises(UserError, match=r"kernel: left out: .*kid.*use other --features"):
        evaluate_samples(data.test, blind, ["kernel"])


def test_other_features_are_taken_where_the_usual_ones_do_not_tell(tmp_path, monkeypatch):
    blind = extractor(lambda x: flat(x)[:, :9] * 0 + 1, "self")
    monkeypatch.setitem(FEATURES, "self", lambda data, cache: blind)
    jury = judge_images(digits(900), tmp_path)
    assert jury.features.name == "pixels"
    assert jury.warnings[0].startswith("pixels features are used instead of self; left out: frechet, by which")
    assert "pixels features" in jury.protocol("report", 10)
    monkeypatch.setitem(FEATURES, "pixels", lambda data, cache: blind)
    monkeypatch.setitem(FEATURES, "random", lambda data, cache: blind)
    jury = judge_images(digits(901), tmp_path)
    assert jury.features is blind and "frechet" in jury.failures and jury.scores(digits(901).test)["frechet"] >= 0


def test_a_metric_without_some_scores():
    support = IMAGE_METRICS["support"]
    assert support.without(["frechet"]) is support
    assert list(support.without(["precision", "recall"]).better) == ["density", "coverage"]
    assert not IMAGE_METRICS["kernel"].without(["kid"]).better  # an error without its score


def test_an_inaccurate_classifier_is_distrusted(tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.metrics.features.extractors._STEPS", 3)
    data = digits(900, labels=True)
    jury = judge_images(data, tmp_path, "task")
    assert jury.accuracy is not None and jury.accuracy < 0.8
    report = evaluate_samples(data.test, jury, ["frechet"])
    assert f"the classifier of task features is only {jury.accuracy:.1%} accurate" in report.warnings[0]
    assert "--second-opinion" in report.table()
