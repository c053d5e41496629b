"""The page holds all it shows, whatever the names are."""

import re
from html.parser import HTMLParser

from PIL import Image

from sparring.metrics.report import Report, ReportRow
from sparring.modalities.base import Preview
from sparring.recipes import RECIPES
from sparring.training.config.config import Config
from sparring.training.report.html import FRAMES, page, preview_section, slider


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.sources = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        while self.open.pop() != tag:  # a paragraph may be left open
            pass


def test_the_page_holds_all_it_shows(tmp_path):
    for seen in (100, 200):
        Image.new("L", (4, 4), seen).save(tmp_path / f"{seen:012d}.png")
    Image.new("L", (4, 4)).save(tmp_path / "beside.png")
    report = Report("p < 3 & more", [ReportRow("model", {"frechet": 1.5}, 10), ReportRow("real", {"frechet": 0.5}, 10)])
    picture = Image.new("RGB", (5, 5))
    sections = [preview_section("Real", Preview.png(picture)), slider(tmp_path)]
    text = page(
        "<script>run</script>", "a & b", report, sections, {"all": Config(RECIPES["dcgan"], "x<y", examples=100)}
    )
    tags = Tags(text)
    assert not tags.open and len(tags.sources) == 1
    assert all(source.startswith("data:image/png;base64,") for source in tags.sources)
    assert text.count("data:image/png") == 3 and 'max="1"' in text and "[100, " in text
    assert "<script>run" not in text and "p &lt; 3 &amp; more" in text and "x&lt;y" in text
    assert re.search(r'<tr class="model"><td>model</td><td>1.500</td><td>10</td></tr>', text)


def test_a_long_run_has_a_slider_of_bounded_length(tmp_path):
    assert slider(tmp_path) == ""
    for seen in range(1, 152):
        Image.new("L", (1, 1)).save(tmp_path / f"{seen:012d}.png")
    found = re.findall(r"\[(\d+), ", slider(tmp_path).replace("[[", "["))
    assert len(found) <= FRAMES + 1 and found[0] == "1" and found[-1] == "151"
