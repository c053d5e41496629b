"""Damage: each step against what it is by definition, the same for the same seed, and what is refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from sparring.data.image.pixels import to_pixels, to_unit
from sparring.degrade import STEPS, Degradation
from sparring.errors import UserError

EVERY = {
    "noise": "noise:0.1-0.5", "blur": "blur:0.5-2", "downscale": "downscale:2", "jpeg": "jpeg:20-90", "grey": "grey",
    "edges": "edges", "box": "box:0.2-0.6", "strokes": "strokes:1-4",
}  # fmt: skip


def smooth(n: int = 4, c: int = 3, h: int = 32, w: int = 48) -> torch.Tensor:
    """uint8 images with slopes and a few hard edges."""
    g = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, c, 4, 6, generator=g)
    fine = torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic").clamp(0, 1)
    fine[:, :, h // 3 : h // 2, w // 4 :] = 0.9
    return (fine * 255).round().to(torch.uint8)


def test_every_step_is_tried_here():
    assert set(EVERY) == set(STEPS)


@pytest.mark.parametrize("step", EVERY.values())
def test_image_by_image_the_same_for_a_seed(step):
    damage, images = Degradation([step]), smooth(120)
    (x, known), (again, known_again), (few, _) = damage.of(images, 5), damage.of(images, 5), damage.of(images[:103], 5)
    assert torch.equal(x, again) and torch.equal(x[:103], few) and x.dtype == torch.uint8
    assert (known is None) == (not damage.hides) and (known is None or torch.equal(known, known_again))
    shape = damage.inputs((3, 32, 48))
    assert tuple(x.shape[1:]) == (shape[0] - damage.hides, *shape[1:])
    other, mask = damage.of(images, 6)
    drawn = bool(damage.draws)
    assert drawn == (not torch.equal(x, other) or (known is not None and not torch.equal(known, mask)))


def test_noise_is_of_its_deviation_and_clipped():
    grey = torch.full((100, 1, 32, 32), 128, dtype=torch.uint8)
    x, _ = Degradation(["noise:0.1"]).of(grey)
    assert (x.double() / 255).std() == pytest.approx(0.1, rel=0.02)
    black, _ = Degradation(["noise:0.5"]).of(torch.zeros_like(grey))
    # The half below 0 is clipped, and so is what is above 1, two deviations away.
    assert (black == 0).double().mean() == pytest.approx(0.5, abs=0.01)
    assert (black == 255).double().mean() == pytest.approx(0.0228, abs=0.003)


def test_blur_is_pillows_gaussian():
    images = smooth()
    x, _ = Degradation(["blur:2"]).of(images)
    for image, seen in zip(images, x, strict=True):
        expected = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).filter(ImageFilter.GaussianBlur(2)))
        inner = np.abs(expected.astype(int) - seen.permute(1, 2, 0).numpy())[6:-6, 6:-6]
        assert inner.mean() < 1 and inner.max() <= 8  # Pillow's is made of boxes


def test_downscale_is_pillows_bicubic():
    images = smooth()
    x, _ = Degradation(["downscale:4"]).of(images)
    for image, seen in zip(images, x, strict=True):
        small = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((12, 8), Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(small).astype(int) - seen.permute(1, 2, 0).numpy()).max() <= 2


@pytest.mark.parametrize("quality", [10, 50, 90])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(quality, channels):
    images = smooth(c=channels)
    x, _ = Degradation([f"jpeg:{quality}"]).of(images)
    for image, seen in zip(images, x, strict=True):
        file = io.BytesIO()
        array = image.permute(1, 2, 0).squeeze(2).numpy() if channels == 1 else image.permute(1, 2, 0).numpy()
        Image.fromarray(array).save(file, "JPEG", quality=quality, subsampling=2)
        expected = (
            torch.from_numpy(np.asarray(Image.open(file)).copy()).view(*image.shape[1:], channels).permute(2, 0, 1)
        )
        apart, lost = ((a.double() - b.double()).abs().mean() for a, b in ((seen, expected), (image, expected)))
        assert apart < 0.35 * lost  # chroma is enlarged otherwise


def test_grey_and_edges():
    images = smooth()
    x, _ = Degradation(["grey"]).of(images)
    expected = (images.double() * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    assert (x.double() - expected).abs().max() <= 0.51
    edges, _ = Degradation(["edges"]).of(images)
    around = images[0, 0, 3:6, 7:10]
    assert int(edges[0, 0, 4, 8]) == int(around.max()) - int(around.min())


def test_boxes_are_whole_and_everywhere():
    _, known = Degradation(["box:0.5"]).of(torch.zeros(400, 1, 28, 28, dtype=torch.uint8))
    lost = ~known[:, 0]
    assert (lost.flatten(1).sum(1) == 14 * 14).all()
    rows, columns = lost.any(2).float(), lost.any(1).float()
    for sides in (rows, columns):
        assert (sides.sum(1) == 14).all() and ((sides.diff(dim=1) != 0).sum(1) <= 2).all()
        assert set(sides.argmax(1).tolist()) == set(range(15))


def test_strokes_hide_a_share_and_more_of_them_more():
    blank = torch.zeros(200, 1, 48, 64, dtype=torch.uint8)
    few, many = ((~Degradation([f"strokes:{n}"]).of(blank)[1]).double().mean() for n in (1, 8))
    assert 0.005 < few < 0.1 and 3 * few < many < 0.6


def test_holes_are_united_and_what_is_known_stays():
    damage, images = Degradation(["box:0.4", "strokes:2"]), smooth()
    box = Degradation(["box:0.4"])
    g = torch.Generator().manual_seed(0)
    drawn = {name: draw(4, (3, 32, 48), g) for name, draw in damage.draws.items()}
    x = damage(to_unit(images), drawn)
    known = x[:, -1:]
    lost = torch.maximum(*drawn.values())
    assert torch.equal(known, 1 - lost) and (x[:, :3] * lost == 0).all()
    kept = to_pixels(x[:, :3])
    assert torch.equal(kept[known.expand(-1, 3, -1, -1) > 0], images[known.expand(-1, 3, -1, -1) > 0])
    assert box.inputs((3, 32, 48)) == (4, 32, 48)


def test_steps_in_a_row():
    damage = Degradation(["blur:1", "downscale:2", "grey", "noise:0.1", "jpeg:50"])
    x, known = damage.of(smooth())
    assert x.shape == (4, 1, 16, 24) and known is None and damage.scale == 2


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (["noize:0.1"], r"unknown degradation 'noize' \(did you mean 'noise'\?\); known"),
        (["noise"], "write noise:NUMBER or noise:LOW-HIGH, 0.001 to 2"),
        (["noise:0.5-0.1"], "write noise:NUMBER"),
        (["noise:-1"], "write noise:NUMBER"),
        (["box:2"], r"0.02 to 1 \(box-shaped hole"),
        (["grey:3"], "grey takes no number"),
        (["downscale:2.5"], "the factor must be one integer"),
        (["downscale:2-4"], "downscale:2-4: the factor must be one integer"),
        (["box:0.3", "downscale:2"], "holes and downscale can't be combined"),
    ],
)
def test_what_is_refused(steps, why):
    with pytest.raises(UserError, match=why):
        Degradation(steps)


def test_sides_that_do_not_divide():
    with pytest.raises(UserError, match="30×32 can't be downscaled by 4"):
        Degradation(["downscale:4"]).inputs((3, 30, 32))
