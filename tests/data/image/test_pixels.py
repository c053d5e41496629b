import pytest
import torch

from sparring.data.image.pixels import image_grid, resize, to_pixels, to_unit

EVERY = torch.arange(256, dtype=torch.uint8)


def test_round_trip_is_exact():
    assert torch.equal(to_pixels(to_unit(EVERY)), EVERY)


def test_range_and_clamping():
    unit = to_unit(EVERY)
    assert (unit.dtype, unit[0], unit[255]) == (torch.float32, -1, 1)
    assert to_pixels(torch.tensor([-9.0, 9.0, 0.0, -1 + 1.6 / 127.5])).tolist() == [0, 255, 128, 2]


def test_resized_keeps_the_mean_and_the_type():
    board = (torch.arange(8) % 2 * 200).to(torch.uint8).expand(3, 1, 8, 8)
    small = resize(board, (4, 4))
    assert small.shape == (3, 1, 4, 4) and small.dtype == torch.uint8
    assert abs(small.float().mean() - 100) < 8 and small.min() > 30  # without antialiasing stripes stay or vanish
    assert resize(board, (8, 8)) is board


def test_resized_in_slices_is_resized_at_once():
    pixels = torch.randint(256, (4100, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert torch.equal(resize(pixels, (6, 6))[4090:], resize(pixels[4090:], (6, 6)))


def test_grid_places_images():
    pixels = torch.tensor([10, 20, 30], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 1, 2, 3)
    sheet = image_grid(pixels, columns=2, scale=2, pad=1)
    assert (sheet.mode, sheet.size) == ("L", (2 * 7 + 1, 2 * 5 + 1))
    places = [(0, 0), (1, 1), (6, 4), (7, 1), (8, 1), (1, 6), (8, 6)]
    assert [sheet.getpixel(place) for place in places] == [255, 10, 10, 255, 20, 30, 255]


def test_grid_of_one_without_padding_is_the_image():
    image = torch.randint(256, (1, 3, 5, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    sheet = image_grid(image, pad=0)
    assert (sheet.mode, sheet.size) == ("RGB", (4, 5))
    assert sheet.getpixel((3, 2)) == tuple(image[0, :, 2, 3].tolist())


@pytest.mark.parametrize("bad", [torch.zeros(2, 1, 4, 4), torch.zeros(0, 1, 4, 4, dtype=torch.uint8),
                                 torch.zeros(1, 0, 4, 4, dtype=torch.uint8)])  # fmt: skip
def test_grid_refuses(bad):
    with pytest.raises(ValueError, match="an image grid takes"):
        image_grid(bad)


@pytest.mark.parametrize("channels", [5, 9])
def test_grid_of_an_odd_number_of_channels_shows_three(channels):
    images = torch.randint(256, (3, channels, 4, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert image_grid(images).tobytes() == image_grid(images[:, :3]).tobytes()


@pytest.mark.parametrize("channels, half", [(2, 1), (6, 3), (8, 4), (10, 5)])
def test_grid_of_pairs_shows_them_side_by_side(channels, half):
    images = torch.randint(256, (1, channels, 4, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    sheet = image_grid(images, pad=0)
    for x, part in ((0, images[:, :half]), (8, images[:, half:])):
        assert sheet.crop((x, 0, x + 8, 4)).tobytes() == image_grid(part, pad=0).tobytes()


def test_grid_lays_transparency_on_a_checkerboard():
    clear, red = torch.zeros(1, 4, 8, 12, dtype=torch.uint8), torch.tensor([255, 0, 0, 255], dtype=torch.uint8)
    board = image_grid(clear, pad=0)
    assert (board.mode, board.size) == ("RGB", (12, 8))
    assert [board.getpixel(place)[0] for place in ((0, 0), (4, 0), (8, 0), (0, 4), (4, 4))] == [255, 224, 255, 224, 255]
    assert image_grid(red[None, :, None, None].expand(1, 4, 8, 12), pad=0).getcolors() == [(96, (255, 0, 0))]
