"""Small images and what is packed with them, for the tests beside."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from sparring.data import Dataset, Options
from sparring.errors import UserError
from sparring.modalities.load import load_dataset


def png(shade: int = 90, size=(16, 16), mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, shade).save(file, "PNG")
    return file.getvalue()


def shades(n: int = 12, prefix: str = "") -> dict[str, bytes]:
    """Files whose i-th is of shade i."""
    return {f"{prefix}{i:03d}.png": png(i) for i in range(n)}


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def labels_by_shade(data: Dataset) -> dict:
    """What each image, told by its shade, is labelled."""
    return {
        int(image[0, 0, 0]): label.tolist()
        for part in (data.train, data.test)
        for image, label in zip(part.values, part.labels, strict=True)
    }


def told(spec, options: Options = Options()) -> str:  # noqa: B008 - frozen
    """The one line said of bad input."""
    with pytest.raises(UserError) as error:
        load_dataset(spec, options)
    assert "\n" not in str(error.value)
    return str(error.value)
