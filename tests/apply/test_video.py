"""`spar apply` on films: frames, sizes and times are kept, whatever the film is, and memory is bounded."""

import json
import sys
from fractions import Fraction
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from commands import refused, spar
from PIL import Image
from translators import noise

from sparring.apply.formats import with_ticks, write_gif, write_webp
from sparring.apply.video import WRITERS, open_animation
from sparring.models.load import load_model
from sparring.models.translator import ImageToImageModel

TIMES = [50, 120, 30, 200, 70]


@pytest.fixture
def frames() -> list[np.ndarray]:
    return [noise(21, 34, seed=i) for i in range(len(TIMES))]


def animated(path: Path, frames: list[np.ndarray], times: list[int] = TIMES) -> Path:
    first, *rest = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=rest, duration=times, loop=0, lossless=True)
    return path


def made_by(folder: Path) -> ImageToImageModel:
    model = load_model(folder)
    assert isinstance(model, ImageToImageModel)
    return model


def shown(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """Its frames as RGB, and how long each is shown, ms."""
    with Image.open(path) as image:
        found, times = [], []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            found.append(np.array(image.convert("RGB")))
            times.append(image.info["duration"])
    return found, times


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_film_that_says_more_than_the_file_can(tmp_path, ending):
    images = [(Image.fromarray(noise(8, 9, seed=i)), Fraction(seconds)) for i, seconds in enumerate((10**6, 1))]
    writer = {".gif": write_gif, ".webp": write_webp}[ending]
    writer(tmp_path / f"b{ending}", iter(images), 70_000)
    longest = {".gif": 655_350, ".webp": 2**24 - 1}[ending]
    assert Image.open(tmp_path / f"b{ending}").info["loop"] == 65_535
    assert shown(tmp_path / f"b{ending}")[1] == [longest, 1000]


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_every_frame_is_what_the_model_makes_of_it(runs, tmp_path, frames, ending):
    path = animated(tmp_path / f"a{ending}", frames)
    assert spar("apply", runs / "denoise", path, "--out", tmp_path / "b.webp") == 0
    given, times = shown(path)
    made, kept = shown(tmp_path / "b.webp")
    assert kept == times == TIMES and Image.open(tmp_path / "b.webp").info["loop"] == 0
    model = made_by(runs / "denoise")
    assert all(np.array_equal(after, model.apply(before)) for before, after in zip(given, made, strict=True))


def test_enlarged_as_gif(runs, tmp_path, frames, capsys):
    path = animated(tmp_path / "a.webp", [x // 32 * 32 for x in frames])
    words = ["apply", runs / "upscale", path, "--out", tmp_path / "b.gif", "--sheet", tmp_path / "s.png", "--json"]
    capsys.readouterr()
    assert spar(*words) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == len(TIMES)
    made, times = shown(tmp_path / "b.gif")
    right = [made_by(runs / "upscale").apply(x) for x in shown(path)[0]]
    assert times == TIMES and Image.open(tmp_path / "b.gif").info["loop"] == 0
    assert all(x.shape == (42, 68, 3) for x in made)
    # Of 256 colours: near, and nearer than any other frame is.
    apart = np.array([[np.abs(x.astype(int) - y).mean() for y in right] for x in made])
    assert (apart.argmin(1) == range(len(TIMES))).all() and apart.diagonal().max() < 20
    assert Image.open(tmp_path / "s.png").size[0] > 68


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_what_is_transparent_stays_so(runs, tmp_path, frames, ending):
    clear = [np.zeros((21, 34), np.uint8) for _ in frames]
    for i, alpha in enumerate(clear):
        alpha[i : i + 9, 3:20] = 255
    moving = [np.dstack([x, alpha]) for x, alpha in zip(frames, clear, strict=True)]
    animated(tmp_path / "a.webp", moving)
    assert spar("apply", runs / "denoise", tmp_path / "a.webp", "--out", tmp_path / f"b{ending}") == 0
    with Image.open(tmp_path / f"b{ending}") as image:
        for i, alpha in enumerate(clear):
            image.seek(i)
            assert np.array_equal(np.asarray(image.convert("RGBA"))[..., 3], alpha)


def test_one_mask_for_all_frames(runs, tmp_path, frames):
    path = animated(tmp_path / "a.webp", frames)
    lost = np.zeros((21, 34), np.uint8)
    lost[5:12, 8:20] = 255
    Image.fromarray(lost).save(tmp_path / "a_mask.png")
    assert spar("apply", runs / "inpaint", path, "--out", tmp_path / "b.webp") == 0
    for before, after in zip(frames, shown(tmp_path / "b.webp")[0], strict=True):
        assert np.array_equal(before[lost == 0], after[lost == 0]) and (before != after)[lost > 0].any()


def test_rounded_times_do_not_add_up():
    thirds = [(Image.new("L", (1, 1)), Fraction(1, 30))] * 90
    ticks = [n for _, n in with_ticks(iter(thirds), 100)]
    assert sum(ticks) == 300 and set(ticks) == {3, 4}


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_frame_is_gone_when_the_next_one_is_written(tmp_path, ending):
    """However many there are: as each is asked for, what was written of those before is in the file."""
    path, sizes = tmp_path / f"a{ending}", []

    def many():
        for i, seconds in enumerate(repeat(Fraction(1, 10), 40)):
            sizes.append(path.stat().st_size if path.exists() else 0)
            yield Image.fromarray(noise(64, 64, seed=i)), seconds

    WRITERS[ending](path, many(), 0)
    assert sizes[-1] > 25 * 64 * 64 and len(shown(path)[0]) == 40


def test_a_picture_that_does_not_move_is_no_film(tmp_path, frames):
    Image.fromarray(frames[0]).save(tmp_path / "a.webp")
    assert open_animation(str(tmp_path / "a.webp")) is None and open_animation(str(tmp_path)) is None


def test_what_is_refused(runs, tmp_path, monkeypatch, capsys, frames):
    monkeypatch.chdir(tmp_path)
    animated(Path("a.gif"), frames)
    Image.new("L", (8, 8)).save("small.png")
    animated(Path("b.webp"), frames)
    Path("cut.gif").write_bytes(Path("a.gif").read_bytes()[:-900])
    Path("text.mp4").write_text("no video")
    before = sorted(Path().rglob("*"))

    def why(*words: object) -> str:
        told = refused(capsys, "apply", *words)
        assert sorted(Path().rglob("*")) == before
        return told

    denoise, inpaint = runs / "denoise", runs / "inpaint"
    assert "end --out with one of .gif, .webp, .mp4" in why(denoise, "a.gif", "--out", "b.png")
    assert "end --out with one of .gif" in why(denoise, "a.gif", "--out", "folder")
    assert "exists already" in why(denoise, "a.gif", "--out", "b.webp")
    assert "put a_mask.png next to the video" in why(inpaint, "a.gif", "--out", "c.gif")
    assert "the mask is 8×8" in why(inpaint, "a.gif", "--mask", "small.png", "--out", "c.gif")
    assert "cut.gif is damaged" in why(denoise, "cut.gif", "--out", "c.gif")
    if find_spec("av"):
        assert "can't read text.mp4" in why(denoise, "text.mp4", "--out", "c.gif")


def test_without_the_extra_it_is_named(runs, tmp_path, capsys, frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.mp4").write_bytes(b"anything")
    path = animated(tmp_path / "a.gif", frames)
    for words in ([tmp_path / "a.mp4", "--out", tmp_path / "b.gif"], [path, "--out", tmp_path / "b.mp4"]):
        assert "pip install 'sparring[video]'" in refused(capsys, "apply", runs / "denoise", *words)
    assert not list(tmp_path.glob("*b.*"))


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_video_files_there_and_back(runs, tmp_path, frames, ending):
    pytest.importorskip("av")
    smooth = [np.kron(noise(3, 4, seed=i), np.ones((8, 8, 1), np.uint8)) for i in range(5)]
    path = animated(tmp_path / "a.webp", smooth, [40] * 5)
    assert spar("apply", runs / "denoise", path, "--out", tmp_path / f"b{ending}") == 0
    assert spar("apply", runs / "denoise", tmp_path / f"b{ending}", "--out", tmp_path / "c.webp") == 0
    made, times = shown(tmp_path / "c.webp")
    model = made_by(runs / "denoise")
    assert len(made) == 5 and times[:4] == [40] * 4
    for before, after in zip(smooth, made, strict=True):
        assert np.abs(model.apply(model.apply(before)).astype(int) - after).mean() < 12
