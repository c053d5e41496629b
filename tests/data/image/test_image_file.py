"""One image file of each kind: what its pixels become, and why it is left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data.image.channels import stack_images
from sparring.data.image.file import Header, UnreadableImage, read_header, read_image


def saved(path: Path, image: Image.Image, channels: str = "auto", size=(8, 8), fit="crop", **options) -> np.ndarray:
    """What becomes of an image: (h, w) if grey, else (h, w, c)."""
    image.save(path, **options)
    array = read_image(lambda: path.open("rb"), size, fit)
    return stack_images([array], channels)[0].transpose(1, 2, 0).squeeze()


def test_transparency_lies_on_white(tmp_path):
    half = saved(tmp_path / "a.png", Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "rgb")
    assert half.shape == (8, 8, 3) and (half == 255).all()
    veiled = Image.new("RGBA", (8, 8), (200, 0, 0, 128))
    assert saved(tmp_path / "b.png", veiled, "rgb")[0, 0].tolist() == [227, 127, 127]
    assert saved(tmp_path / "b.png", veiled)[0, 0].tolist() == [200, 0, 0, 128]


def test_grey_with_alpha_is_grey(tmp_path):
    grey = saved(tmp_path / "a.png", Image.new("LA", (8, 8), (40, 0)))
    assert grey.shape == (8, 8) and (grey == 255).all()


@pytest.mark.parametrize("options, expected", [({}, [0, 200, 0]), ({"transparency": 1}, [255, 255, 255])])
def test_palette(tmp_path, options, expected):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 0, 200, 0])
    assert saved(tmp_path / "a.png", image, "rgb", **options)[3, 3].tolist() == expected


def test_grey_modes(tmp_path):
    assert (saved(tmp_path / "a.png", Image.new("1", (8, 8), 1)) == 255).all()
    assert (saved(tmp_path / "b.png", Image.new("L", (8, 8), 7)) == 7).all()
    deep = Image.fromarray(np.full((8, 8), 100 * 257, np.uint16))
    assert deep.mode == "I;16" and (saved(tmp_path / "c.png", deep) == 100).all()


def test_cmyk_jpeg_is_rgb(tmp_path):
    assert saved(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 0, 0, 0))).shape == (8, 8, 3)


def test_turned_upright(tmp_path):
    """Orientation 6 is shown turned clockwise by a quarter: what is left in the file is at the top."""
    image = Image.new("L", (32, 32), 0)
    image.paste(255, (0, 0, 16, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = saved(tmp_path / "a.jpg", image, exif=exif, quality=95)
    assert shown[0].min() > 200 and shown[7].max() < 50


@pytest.mark.parametrize("size", [(24, 8), (8, 24)])
def test_cropped_to_the_middle(tmp_path, size):
    image = Image.new("L", size, 0)
    image.paste(200, ((size[0] - 8) // 2, (size[1] - 8) // 2, (size[0] + 8) // 2, (size[1] + 8) // 2))
    assert (saved(tmp_path / "a.png", image) == 200).all()


def test_large_jpeg_keeps_its_content(tmp_path):
    """Draft decoding must not change what is shown."""
    ramp = Image.linear_gradient("L").resize((600, 600))
    shown = saved(tmp_path / "a.jpg", ramp, quality=95)
    assert np.abs(shown.astype(int) - np.asarray(ramp.resize((8, 8), Image.Resampling.BOX)).astype(int)).max() < 6


def test_a_lying_photograph_is_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert read_header(lambda: (tmp_path / "a.jpg").open("rb")) == Header("JPEG", (20, 10), "L")


STRIPES = Image.fromarray(np.repeat(np.array([10, 100, 200, 30], np.uint8), 8)[None].repeat(16, 0))
"""16 high, 32 wide: four upright stripes of 8."""


def test_fits(tmp_path):
    def columns(fit: str, size=(16, 16)) -> list[int]:
        return saved(tmp_path / "a.png", STRIPES, size=size, fit=fit)[size[0] // 2].tolist()

    assert columns("crop") == [100] * 8 + [200] * 8
    assert columns("stretch")[::4] == pytest.approx([10, 100, 200, 30], abs=25)
    padded = saved(tmp_path / "a.png", STRIPES, size=(32, 32), fit="pad")
    assert padded[16].tolist() == np.asarray(STRIPES)[0].tolist() and len(np.unique(padded[[0, 7, 24, 31]])) == 1
    edges = np.concatenate([np.asarray(STRIPES)[0]] * 2 + [np.full(16, 10), np.full(16, 30)])
    assert padded[0, 0] == round(edges.mean())
    assert columns("crop", (16, 32)) == np.asarray(STRIPES)[0].tolist()


def test_bars_are_transparent_where_the_border_is(tmp_path):
    image = Image.new("RGBA", (16, 8), (0, 0, 0, 0))
    image.paste((9, 200, 9, 255), (4, 2, 12, 6))
    padded = saved(tmp_path / "a.png", image, "rgba", (16, 16), "pad")
    assert padded[0, 0, 3] == 0 and padded[8, 8].tolist() == [9, 200, 9, 255]


@pytest.mark.parametrize("size", [(4, 1024), (1024, 4), (64, 96)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_any_shape_becomes_any_other(tmp_path, fit, size):
    for wide, high in ((1, 300), (300, 1), (1, 1)):
        assert saved(tmp_path / "a.png", Image.new("L", (wide, high), 7), size=size, fit=fit).shape == size


CHANNELS = {
    "grey": (Image.new("L", (8, 8), 50), 50, [50] * 3, [50, 50, 50, 255]),
    "colour": (Image.new("RGB", (8, 8), (255, 0, 0)), 76, [255, 0, 0], [255, 0, 0, 255]),
    "veil": (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), 255, [255] * 3, [255, 0, 0, 0]),
    "grey veil": (Image.new("LA", (8, 8), (40, 51)), 212, [212] * 3, [40, 40, 40, 51]),
    "opaque": (Image.new("RGBA", (8, 8), (0, 0, 255, 255)), 29, [0, 0, 255], [0, 0, 255, 255]),
}


@pytest.mark.parametrize("image, grey, rgb, rgba", CHANNELS.values(), ids=CHANNELS)
def test_channels(tmp_path, image, grey, rgb, rgba):
    path = tmp_path / "a.png"
    assert saved(path, image, "grey")[4, 4] == grey
    assert saved(path, image, "rgb")[4, 4].tolist() == rgb
    assert saved(path, image, "rgba")[4, 4].tolist() == rgba


@pytest.mark.parametrize(
    "counts, kind",
    [((1, 1), 1), ((1, 2), 1), ((1, 3), 3), ((3, 4), 3), ((4, 4, 3), 4), ((1, 2, 4), 4), ((2, 3, 1, 4), 3)],
)
def test_auto_channels(counts, kind):
    assert stack_images([np.zeros((4, 4, c), np.uint8) for c in counts], "auto").shape[1] == kind


def test_deep_colour_is_scaled(tmp_path):
    deep = np.full((8, 8), 40_000, np.uint16)
    assert (saved(tmp_path / "a.tiff", Image.fromarray(deep)) == 156).all()


def why(tmp_path, name: str, image: Image.Image, **options) -> str:
    image.save(tmp_path / name, **options)
    with pytest.raises(UnreadableImage) as told:
        read_image(lambda: (tmp_path / name).open("rb"), (8, 8))
    return str(told.value)


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tiff"])
def test_animated(tmp_path, ending):
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 90, 200)]
    assert "animated" in why(tmp_path, f"a.{ending}", frames[0], save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "bmp"])
def test_still(tmp_path, ending):
    assert (saved(tmp_path / f"a.{ending}", Image.new("L", (8, 8), 90), "grey") == 90).all()


def test_floating_point(tmp_path):
    assert "floating-point" in why(tmp_path, "a.tiff", Image.new("F", (8, 8), 0.5))


def test_several_pictures_of_a_phone(tmp_path):
    """An .mpo, often named .jpg: the first is the photograph."""
    Image.new("L", (8, 8), 90).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.new("L", (8, 8))])
    assert (read_image(lambda: (tmp_path / "a.jpg").open("rb"), (8, 8)) == 90).all()
