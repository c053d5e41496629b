"""`spar apply` with models that make pictures of pictures: what of a file is kept, masks, tiles, what is refused."""

import io
import json
import zipfile

import numpy as np
import pytest
from commands import refused, spar
from data.pictures import png, zipped
from PIL import Image, ImageCms
from translators import model, noise

from sparring.errors import UserError
from sparring.models.load import load_model
from sparring.models.translator import ImageToImageModel


def test_a_picture_is_what_the_model_makes_of_its_pixels(runs, tmp_path):
    x = noise(21, 34)
    Image.fromarray(x).save(tmp_path / "a.png")
    assert spar("apply", runs / "denoise", tmp_path / "a.png", "--out", tmp_path / "b.png") == 0
    made = np.asarray(Image.open(tmp_path / "b.png"))
    assert np.array_equal(made, load_model(runs / "denoise").apply(x)) and not np.array_equal(made, x)


def test_orientation_profile_and_transparency_are_kept(runs, tmp_path):
    x = noise(20, 30, 4)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(x).save(tmp_path / "a.png", icc_profile=profile, exif=exif)
    assert spar("apply", runs / "upscale", tmp_path / "a.png", "--out", tmp_path / "b.png") == 0
    made = Image.open(tmp_path / "b.png")
    assert made.mode == "RGBA" and made.size == (40, 60) and made.info["icc_profile"] == profile
    upright = np.rot90(x, -1)
    expected = load_model(runs / "upscale").apply(np.ascontiguousarray(upright[..., :3]))
    assert np.array_equal(np.asarray(made)[..., :3], expected)
    alpha = Image.fromarray(np.ascontiguousarray(upright[..., 3])).resize((40, 60), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(made)[..., 3], np.asarray(alpha))


def saved(path, image: Image.Image, **more):
    path.parent.mkdir(exist_ok=True, parents=True)
    image.save(path, **more)


def test_a_folder_of_every_kind(runs, tmp_path, capsys):
    rgb = Image.fromarray(noise(18, 22))
    saved(tmp_path / "in" / "cmyk.jpg", rgb.convert("CMYK"))
    saved(tmp_path / "in" / "grey.png", rgb.convert("L"))
    saved(tmp_path / "in" / "palette.png", rgb.convert("P"))
    deep = Image.fromarray(noise(18, 22, 1)[..., 0].astype(np.uint16) * 257)
    saved(tmp_path / "in" / "deep.png", deep)
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    words = ["apply", runs / "pix2pix", tmp_path / "in", "--out", tmp_path / "out", "--sheet", tmp_path / "s.png"]
    capsys.readouterr()
    assert spar(*words, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["images"] == 4 and "broken.png" in err
    found = {path.name: Image.open(path).size for path in (tmp_path / "out").glob("*.png")}
    assert found == {f"{name}.png": (22, 18) for name in ("cmyk", "grey", "palette", "deep")}
    assert Image.open(tmp_path / "s.png").size[0] > 40
    # 16 bits are read as of 8, CMYK as RGB.
    model = load_model(runs / "pix2pix")
    assert isinstance(model, ImageToImageModel)
    cmyk = np.array(Image.open(tmp_path / "in" / "cmyk.jpg").convert("RGB"))
    for name, seen in (("deep", np.dstack([noise(18, 22, 1)] * 3)), ("cmyk", cmyk)):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / f"{name}.png")), model.apply(seen))


def test_a_zip_through_colorize(runs, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x/1.png", "x/2.png"):
            file = io.BytesIO()
            Image.fromarray(noise(16, 16)).save(file, "PNG")
            archive.writestr(name, file.getvalue())
    assert spar("apply", runs / "colorize", tmp_path / "a.zip", "--out", tmp_path / "out") == 0
    assert Image.open(tmp_path / "out" / "x" / "1.png").mode == "RGB"


@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_is_written_outside_the_folder(runs, tmp_path, monkeypatch, capsys, guarded):
    """Not even were such a name to come through: whoever writes looks again."""
    if not guarded:
        monkeypatch.setattr("sparring.data.sources.zip.escapes_root", lambda name: False)
    files = {"in/a.png": png(), " ../up.png": png(), "\x07../y.png": png(), f" {tmp_path}/abs.png": png()}
    archive = zipped(tmp_path / "a.zip", files)
    assert spar("apply", runs / "denoise", archive, "--out", tmp_path / "out") == 0
    said = "its name leads out of" if not guarded else ""
    assert said in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "out"}
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png")) == ["a.png"]


@pytest.mark.parametrize("place", ["beside", "named", "folder"])
def test_holes_are_filled_and_the_rest_stays(runs, tmp_path, place):
    x, lost = noise(23, 31), np.zeros((23, 31), np.uint8)
    lost[5:12, 8:20] = 255
    saved(tmp_path / "in" / "a.png", Image.fromarray(x))
    mask = {"beside": "in/a_mask.png", "named": "m.png", "folder": "masks/a_mask.png"}[place]
    saved(tmp_path / mask, Image.fromarray(lost))
    told = {"beside": [], "named": ["--mask", tmp_path / mask], "folder": ["--mask", tmp_path / "masks"]}[place]
    assert spar("apply", runs / "inpaint", tmp_path / "in" / "a.png", *told, "--out", tmp_path / "b.png") == 0
    made = np.asarray(Image.open(tmp_path / "b.png"))
    assert np.array_equal(made[lost == 0], x[lost == 0]) and not np.array_equal(made[lost > 0], x[lost > 0])
    garbled = x.copy()
    garbled[lost > 0] = 7  # what is lost is not looked at
    assert np.array_equal(load_model(runs / "inpaint").apply(garbled, lost == 0), made)


@pytest.mark.parametrize("name", ["denoise", "upscale"])
def test_tiles_leave_no_seams(runs, tmp_path, name):
    Image.fromarray(noise(70, 90)).save(tmp_path / "a.png")
    for out, more in (("whole", []), ("tiled", ["--tile", 32])):
        assert spar("apply", runs / name, tmp_path / "a.png", "--out", tmp_path / f"{out}.png", *more) == 0
    whole, parts = (np.asarray(Image.open(tmp_path / f"{out}.png")).astype(int) for out in ("whole", "tiled"))
    assert np.abs(whole - parts).max() <= 1


def test_moved_to_a_class(runs, tmp_path):
    x = noise(21, 34)
    saved(tmp_path / "in" / "a.png", Image.fromarray(x))
    for name in ("cat", "dog"):
        assert spar("apply", runs / "stargan", tmp_path / "in", "--label", name, "--out", tmp_path / name) == 0
    cat, dog = (np.asarray(Image.open(tmp_path / name / "a.png")) for name in ("cat", "dog"))
    model = load_model(runs / "stargan")
    assert isinstance(model, ImageToImageModel) and np.array_equal(model.apply(x, label="dog"), dog)
    assert cat.shape == x.shape and not np.array_equal(cat, dog)


def test_tiles_of_instance_norm_are_told_of(runs, tmp_path, capsys):
    Image.fromarray(noise(70, 90)).save(tmp_path / "a.png")
    capsys.readouterr()
    assert spar("apply", runs / "pix2pix", tmp_path / "a.png", "--out", tmp_path / "b.png", "--tile", 32) == 0
    assert "tiles were blended, and differed by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["denoise", "in", "--out", "b.png"], "there are several images"),
        (["denoise", "in/a.png", "--out", "b.bmp"], "can't write an image as '.bmp'"),
        (["denoise", "in/a.png", "--out", "in"], "exists already"),
        (["denoise", "in/a.png", "--out", "no/b.png"], "there is no folder"),
        (["denoise", "nowhere", "--out", "b.png"], "no data set or folder 'nowhere'"),
        (["denoise", "broken.png", "--out", "b.png"], "broken.png: not a png"),
        (["denoise", "in/a.png", "--out", "b.png", "--tile", "-3"], "tile is -3"),
        (["denoise", "in/a.png", "--out", "b.png", "--n", "3"], "--n is for models with an encoder"),
        (["denoise", "in/a.png", "--mask", "small.png", "--out", "b.png"], "denoise fills no holes: omit --mask"),
        (["denoise", "in/a.png", "--label", "x", "--out", "b.png"], "denoise has no classes: omit the label"),
        (["stargan", "in", "--out", "b"], "needs a target class: pass a label, one of cat, dog"),
        (["stargan", "in", "--label", "dgo", "--out", "b"], "no class 'dgo' (did you mean 'dog'?)"),
        (["inpaint", "in/a.png", "--out", "b.png"], "no mask: put a_mask.png next to it"),
        (["inpaint", "in/a.png", "--mask", "small.png", "--out", "b.png"], "the mask is 8×8, the image 18×22"),
    ],
)
def test_what_is_refused(runs, tmp_path, monkeypatch, capsys, words, why):
    for name in ("a", "b"):
        saved(tmp_path / "in" / f"{name}.png", Image.fromarray(noise(18, 22)))
    Image.new("L", (8, 8)).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert why in refused(capsys, "apply", runs / words[0], *words[1:])
    assert sorted(tmp_path.rglob("*")) == before


def test_arrays_that_do_not_suit():
    denoise, inpaint = model("denoise"), model("inpaint")
    with pytest.raises(UserError, match=r"takes images uint8 \(n, 3, h, w\), not uint8 \(1, 1, 9, 9\)"):
        denoise.apply(noise(9, 9, 1))
    with pytest.raises(UserError, match="not float64"):
        denoise.apply(noise(9, 9) / 255)
    with pytest.raises(UserError, match="fills no holes"):
        denoise.apply(noise(9, 9), np.ones((9, 9), bool))
    with pytest.raises(UserError, match="pass a mask that says where they are"):
        inpaint.apply(noise(9, 9))
    with pytest.raises(UserError, match="the mask is 9×8, the image 9×9"):
        inpaint.apply(noise(9, 9), np.ones((9, 8), bool))
    many = np.stack([noise(9, 9), noise(9, 9, seed=1)])
    assert np.array_equal(denoise.apply(many)[1], denoise.apply(many[1]))


def test_images_that_differ_in_the_ending_get_names_of_their_own(runs, tmp_path, capsys):
    for name in ("a.png", "a.jpg", "A.bmp", "b.png"):
        saved(tmp_path / "in" / name, Image.fromarray(noise(16, 16)))
    capsys.readouterr()
    assert spar("apply", runs / "denoise", tmp_path / "in", "--out", tmp_path / "results.v2", "--json") == 0
    written = sorted(path.name for path in (tmp_path / "results.v2").glob("*.png"))
    assert written == ["A.bmp.png", "a.jpg.png", "a.png.png", "b.png"]
    assert json.loads(capsys.readouterr().out)["images"] == 4


def test_two_domains_are_refused(runs, tmp_path, capsys):
    for domain in ("trainA", "trainB"):
        saved(tmp_path / "in" / domain / "1.png", Image.fromarray(noise(16, 16)))
    message = refused(capsys, "apply", runs / "pix2pix", tmp_path / "in", "--out", tmp_path / "out")
    assert "images of two domains" in message and "trainA, trainB" in message
    assert spar("apply", runs / "pix2pix", tmp_path / "in" / "trainA", "--out", tmp_path / "out") == 0


def test_one_name_for_sheet_and_output_is_refused(runs, tmp_path, capsys):
    Image.fromarray(noise(16, 16)).save(tmp_path / "a.png")
    words = ("apply", runs / "denoise", tmp_path / "a.png", "--out", tmp_path / "b.png", "--sheet", tmp_path / "b.png")
    assert "give two names" in refused(capsys, *words)
