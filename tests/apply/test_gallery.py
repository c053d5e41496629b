"""The page of befores and afters: all pictures in it, names that can do no harm, links that lead to the files."""

import base64
import re
from html import unescape
from io import BytesIO
from urllib.parse import unquote

import numpy as np
import pytest
from commands import spar
from PIL import Image
from translators import noise

from sparring.apply import translate

ODD = ["plain", "sub/a & b", "<script>", 'quote"it', "per%20cent#5?", "Ümläut"]


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(ODD):
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(18 + i, 22, seed=i)).save(path)
    (tmp_path / "in" / "<b>roken.png").write_bytes(b"no picture")
    return tmp_path / "in"


def test_all_pictures_are_on_it_and_linked(runs, tmp_path, folder):
    assert spar("apply", runs / "denoise", folder, "--out", tmp_path / "out") == 0
    page = (tmp_path / "out" / "gallery.html").read_text("utf-8")
    links = [unquote(unescape(link)) for link in re.findall(r'href="([^"]*)"', page)]
    assert sorted(links) == sorted(f"{name}.png" for name in ODD)
    assert all((tmp_path / "out" / link).is_file() for link in links)
    names = [unescape(name) for name in re.findall(r"<figcaption>(.*?)</figcaption>", page)]
    assert names == links
    assert "<script" not in page and "<b>" not in page and "&lt;b&gt;roken.png: not a png" in page
    assert not re.findall(r"src=\"(?!data:)", page)


def test_before_stands_beside_after(runs, tmp_path, folder):
    assert spar("apply", runs / "upscale", folder, "--out", tmp_path / "out") == 0
    page = (tmp_path / "out" / "gallery.html").read_text("utf-8")
    figure = next(part for part in page.split("<figure>") if "plain.png" in part)
    before, after = (
        np.array(Image.open(BytesIO(base64.b64decode(data))).convert("RGB"), int)
        for data in re.findall(r"base64,([^\"]*)", figure)
    )
    given, made = (np.array(Image.open(path / "plain.png"), int) for path in (folder, tmp_path / "out"))
    assert before.shape == after.shape == made.shape
    # Lossy, and yet nearer to what it shows than to the other.
    assert np.abs(after - made).mean() < np.abs(before - made).mean()
    assert np.abs(before - given.repeat(2, 0).repeat(2, 1)).mean() < 50


def test_only_the_first_of_many(runs, tmp_path, folder, monkeypatch):
    monkeypatch.setattr(translate, "GALLERY_IMAGES", 2)
    assert spar("apply", runs / "denoise", folder, "--out", tmp_path / "out") == 0
    page = (tmp_path / "out" / "gallery.html").read_text("utf-8")
    assert page.count("<figure>") == 2 and "6 images, of which the first 2 are shown" in page


def test_a_single_picture_has_no_page(runs, tmp_path, folder):
    assert spar("apply", runs / "denoise", folder / "plain.png", "--out", tmp_path / "b.png") == 0
    assert not list(tmp_path.glob("*.html"))
