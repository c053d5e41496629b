"""Protocol descriptions of version 1 become those of this version."""

import json

import pandas as pd
import pytest
import torch

import sparring
from sparring.data.table.arrow import to_arrow
from sparring.data.table.schema import Schema
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.image.metrics import IMAGE_METRICS as IMAGE_METRICS_NOW
from sparring.metrics.image.paired_judge import PairedJudge, PairedSplit
from sparring.metrics.judge import Judge
from sparring.metrics.point.judge import PointJudge
from sparring.metrics.protocol import current_protocol
from sparring.metrics.table.judge import TableJudge

SLICED, OLD_SLICED = "sliced Wasserstein distance × 1000", ", 7×7 patches of 2,048 images, mean of the Laplacian levels"
SET = "9 samples against 2 real images (last sixth of the training set), uint8, no resize"
IMAGE_METRICS = (
    "Fréchet distance, ddof 1; Fréchet distance regressed on 1/n over 1, 2, 4 parts, ± of 95 % by jackknife; kernel "
    "distance, (xᵀy/d + 1)³, in blocks of 1,000 or a quarter, standard error over them; precision, recall, density, "
    "coverage with k = 5, strict; copied: of the first 2,000, nearest / 11th training distance below 0.7 × the 1% "
    "quantile of held-out images', p by Fisher's exact test; class accuracy: by the classifier; class Fréchet: mean "
    "over classes of the distance within each; taught: accuracy on real images of a classifier fitted to the samples "
    "in 500 steps; inception score in 10 splits, classes found with ≥ ¼ of their share, KL(samples ‖ real) over "
    f"guessed classes; {SLICED}{OLD_SLICED}; MS-SSIM of 2,000 pairs of samples"
)
VERSION_1 = {
    "image": f"means features 0, classifier accuracy 98.00%; {SET}; {IMAGE_METRICS}",
    "pair": f"pictures of the test set; as a set: means features 0; {SET}; {IMAGE_METRICS}; L1 and PSNR picture by "
    "picture; SSIM picture by picture; retrieval of the right answer by features among all, and the distance to it; "
    "class accuracy: by the classifier; class Fréchet: mean over classes of the distance within each",
    "point": "9 samples against 8 modes, σ = 0.02; of high quality within 3σ, modes found with ≥ ¼ of a fair share, "
    "KL(samples ‖ real) over modes and none",
    "table": "9 samples against 20 real rows (test rows, unseen; the row real: the other way); detection by boosted "
    "trees, area under ROC, 3-fold; shapes 1 − TV or KS, mean of columns; trends 1 − TV of pairs in tenths; taught by "
    "the rows, examined on real ones: HistGradientBoosting and logistic regression, default settings; taught by the "
    "rows, examined on real ones: HistGradientBoosting and ridge regression, default settings; rare: categories below "
    "5 % that are there; closest: median distance of 1,000 rows to a training row; copied: exact copies of one",
}
"""As version 1 wrote them for all metrics of the judges below."""


def judges() -> dict[str, Judge]:
    features, images = FeatureExtractor("means", lambda x: x.mean((2, 3)), "0"), torch.zeros(12, 1, 8, 8).byte()
    split = PairedSplit(images, images)
    frame = pd.DataFrame({"x": [float(i) for i in range(72)], "c": ["a", "b"] * 36})
    schema, cells = Schema.of(to_arrow(frame), target="c")
    return {
        "image": ImageJudge(features, images, images, accuracy=0.98),
        "pair": PairedJudge(features, images, images, references={"select": split, "report": split}),
        "point": PointJudge(torch.zeros(9, 2), torch.zeros(8, 2), 0.02),
        "table": TableJudge(schema, cells, cells[:20]),
    }


@pytest.mark.parametrize("name", VERSION_1)
def test_protocols_of_version_1_become_current_ones(name):
    """But for the sliced Wasserstein distance, which was another one."""
    judge = judges()[name]
    current = judge.protocol("report", 9, judge.metrics)
    parts = [text.split("; ") for text in (current_protocol(VERSION_1[name]), current)]
    changed = [(old, new) for old, new in zip(*parts, strict=True) if old != new]
    renamed = [(f"{SLICED} of the first versions", f"{SLICED} of Karras et al. 2018")] * ("patches" in judge.metrics)
    assert [(old.split(": ")[0], new.split(": ")[0]) for old, new in changed] == renamed
    assert current_protocol(current) == current


def test_the_old_sliced_wasserstein_distance_is_not_compared_with_the_new_one(tmp_path):
    row = {"name": "model", "scores": {"swd": 20.0}, "samples": 9}
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps({"protocol": f"{SLICED}{OLD_SLICED}", "rows": [row]}))
    new.write_text(json.dumps({"protocol": IMAGE_METRICS_NOW["patches"].protocol, "rows": [row]}))
    with pytest.raises(UserError, match=r"another protocol .*sliced Wasserstein .* of Karras et al. 2018"):
        sparring.compare([old, new])
    assert "nearest neighbours" in sparring.compare([old, new], mixed=True).protocol


def test_saved_reports_of_both_versions_compare(tmp_path):
    paths = []
    for name, words in (
        ("old", "categories below 5 % that are there"),
        ("new", "share of categories below 5 % that occur"),
    ):
        row = {"name": "model", "scores": {"rare": 0.5}, "samples": 9}
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps({"protocol": f"rare: {words}", "rows": [row, row | {"name": "real"}]}))
    report = sparring.compare(paths)
    assert report.protocol == "rare: share of categories below 5 % that occur" and len(report.rows) == 3
