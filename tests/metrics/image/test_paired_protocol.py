"""Evaluation protocol of image-to-image translation, with channel means as features."""

import pytest
import torch

from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.ms_ssim import ssim_of_pixels
from sparring.metrics.image.paired import PAIRED_METRICS, PairedComparison, psnr
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit, median_filter
from sparring.metrics.judge import SampleSet

MEANS = FeatureExtractor("means", lambda x: x.mean((2, 3)), "0")


def images(n: int, c: int = 3, h: int = 12, w: int = 16, seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, c, h, w), generator=g, dtype=torch.uint8)


TRAIN, TEST = images(12), images(5, seed=1)


def judge(given: torch.Tensor, truth: torch.Tensor = TEST, known=None, labels=None, **options) -> PairedJudge:
    split = PairedSplit(given, truth, known, labels)
    return PairedJudge(MEANS, TRAIN, TEST, references={"select": split, "report": split}, **options)


GIVEN = images(5, seed=2)


def test_default_metrics():
    paired, unpaired = judge(GIVEN), judge(GIVEN, paired=False)
    assert paired.selection_metric == "distance" and unpaired.selection_metric == "frechet"
    assert judge(GIVEN, selected_by="moved", paired=False).selection_metric == "moved"
    assert paired.default == ("distance", "structure", "retrieval", "frechet")
    assert unpaired.default == ("moved", "frechet", "kernel", "support")
    assert paired.sample_count("report") == paired.test_count == 5
    assert next(iter(unpaired.metrics["moved"].better)) == "class_frechet"
    assert paired.nearest_training(GIVEN) is None


def test_pairs_are_scored_one_by_one():
    protocol = judge(GIVEN)
    case = protocol.comparison(SampleSet(GIVEN[:4]), "report")
    assert isinstance(case, PairedComparison) and torch.equal(case.truth.values, TEST[:4])
    fake, truth = MEANS(GIVEN[:4]), MEANS(TEST[:4])
    distances = [[float((a - b).norm()) for b in truth] for a in fake]
    actual = PAIRED_METRICS["retrieval"].compute(case)
    assert actual["feature_distance"] == pytest.approx(sum(distances[i][i] for i in range(4)) / 4)
    nearer = [sum(other < row[i] for other in row) for i, row in enumerate(distances)]
    assert actual["top1"] == sum(k < 1 for k in nearer) / 4 and actual["top5"] == 1
    scores = PAIRED_METRICS["distance"].compute(case)
    assert scores["l1"] == pytest.approx(float((GIVEN[:4].double() - TEST[:4]).abs().mean()) / 255)
    assert scores["psnr"] == pytest.approx(float(psnr(GIVEN[:4], TEST[:4]).mean()))
    part = case.of(torch.tensor([2, 0]))
    assert torch.equal(part.truth.values, TEST[[2, 0]]) and torch.equal(part.fake.values, GIVEN[[2, 0]])
    assert part.real is case.real and part.memory is case.memory
    assert "12" not in PAIRED_METRICS["structure"].requirement(case, 4)
    ssim = PAIRED_METRICS["structure"].compute(case)["ssim"]
    assert ssim == pytest.approx(float(ssim_of_pixels(GIVEN[:4], TEST[:4]).mean()))


def test_ssim_needs_images_of_its_window():
    lacks = PAIRED_METRICS["structure"].requirement
    for side, why in ((10, "images of 11×11 or larger"), (11, "")):
        case = judge(images(5, 3, side, 16), images(5, 3, side, 16)).comparison(
            SampleSet(images(3, 3, side, 16)), "report"
        )
        assert why in lacks(case, 3) and bool(lacks(case, 3)) == bool(why)


def test_unpaired_comparisons_have_the_target_classes():
    labels = torch.tensor([1, 0, 2, 1, 0])
    case = judge(GIVEN, labels=labels, paired=False).comparison(SampleSet(GIVEN[:3]), "select")
    assert not isinstance(case, PairedComparison) and case.fake.labels.tolist() == [1, 0, 2]
    own = judge(GIVEN, paired=False).comparison(SampleSet(GIVEN[:3], torch.tensor([7, 8, 9])), "select")
    assert own.fake.labels.tolist() == [7, 8, 9]


def test_description_of_the_reference():
    protocol = judge(GIVEN)
    assert protocol.describe_reference("select", 9).startswith(
        "pictures held out of the training set; as a set: means features"
    )
    assert protocol.describe_reference("report", 9).startswith("pictures of the test set; as a set: means features")


def rows(protocol: PairedJudge, n: int = 4) -> dict[str, torch.Tensor]:
    return {name: drawn.values for name, drawn in protocol.baselines(n)}


def test_baselines_of_inputs_of_the_same_size():
    actual = rows(judge(GIVEN))
    assert list(actual) == ["real", "mean image", "copy input", "median filter"]
    assert torch.equal(actual["real"], TEST[:4]) and torch.equal(actual["copy input"], GIVEN[:4])
    mean = TRAIN.double().mean(0).round().to(torch.uint8)
    assert actual["mean image"].shape == (4, 3, 12, 16) and all(torch.equal(one, mean) for one in actual["mean image"])
    assert torch.equal(actual["median filter"], median_filter(GIVEN[:4]))


def test_baseline_of_masked_inputs():
    known = torch.rand(5, 1, 12, 16, generator=torch.Generator().manual_seed(0)) < 0.5
    actual = rows(judge(GIVEN, known=known))
    assert list(actual) == ["real", "mean image", "copy input", "mean in the holes"]
    kept = known[:4].expand(4, 3, 12, 16)
    assert torch.equal(actual["mean in the holes"][kept], GIVEN[:4][kept])
    assert torch.equal(actual["mean in the holes"][~kept], actual["mean image"][~kept])


def test_baselines_of_smaller_grey_inputs():
    small = images(5, 1, 6, 8, seed=2)
    actual = rows(judge(small))
    assert list(actual) == ["real", "mean image", "nearest", "bicubic"]
    near = small[:4].repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)
    assert torch.equal(actual["nearest"], near) and actual["bicubic"].shape == (4, 3, 12, 16)
    assert not torch.equal(actual["bicubic"], actual["nearest"])
