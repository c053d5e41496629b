import io

import pytest
from pictures import png
from PIL import Image

from sparring.data import Options, load, only_pictures
from sparring.data.prepare import prepare
from sparring.errors import UserError


def test_a_set_saved_to_disk_is_read_and_prepared(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    images = [Image.open(io.BytesIO(png(10 * i))) for i in range(24)]
    rows = datasets.Dataset.from_dict({"image": images, "label": [i % 2 for i in range(24)]}, features=features)
    rows.save_to_disk(str(tmp_path / "saved"))
    spec = f"hf:{tmp_path / 'saved'}"
    prepare(spec, tmp_path / "out", Options(size=(8, 8)), only_pictures, 1)
    for data in (load(spec, Options(size=(8, 8))), load(tmp_path / "out")):
        seen = {
            (int(image[0, 0, 0]), data.names[label])
            for part in (data.train, data.test)
            for image, label in zip(part.values, part.labels.tolist(), strict=True)
        }
        assert seen == {(10 * i, ("cat", "dog")[i % 2]) for i in range(24)}
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(str(tmp_path / "bare"))
    with pytest.raises(UserError, match="no column of images, only text"):
        load(f"hf:{tmp_path / 'bare'}")


def test_what_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"can't read hf:|sparring\[hf\]") as told:
        load(f"hf:{tmp_path / 'none'}")
    assert "\n" not in str(told.value)
