"""Zips: a folder's rules, and entries that are better not opened."""

import stat
import zipfile
from zipfile import ZIP_DEFLATED, ZipInfo

import pytest
from data.pictures import labels_by_shade, png, shades, told, unpacked, zipped

from sparring.modalities.load import load_dataset


@pytest.mark.parametrize("prefix", ["", "wrap/", "wrap/in/"])
def test_as_a_folder(tmp_path, prefix):
    files = {**shades(8, prefix + "ant/"), prefix + "bee/x.png": png(50), prefix + "bee/y.png": png(60)}
    files |= {f"{prefix}bee/{i}.png": png(70) for i in range(4)} | {
        prefix + ".hid/a.png": png(),
        "__MACOSX/._a.png": b"x",
        "__MACOSX/a.png": b"x",
    }
    packed, folder = load_dataset(zipped(tmp_path / "a.zip", files)), load_dataset(unpacked(tmp_path / "a", files))
    assert packed.fingerprint == folder.fingerprint and packed.names == folder.names == ("ant", "bee")
    assert packed.skipped == folder.skipped == (("__MACOSX/", "a system folder"),)
    assert labels_by_shade(packed)[50] == 1 and labels_by_shade(packed)[3] == 0


def test_nothing_is_unpacked(tmp_path):
    load_dataset(zipped(tmp_path / "a.zip", shades()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_entries_that_are_left_out(tmp_path):
    path = zipped(tmp_path / "a.zip", {**shades(), "../up.png": png(), "in/../../up2.png": png(), "/abs.png": png()})
    with zipfile.ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("C:\\drive.png", png())
        archive.writestr("back\\..\\..\\slash.png", png())
        link = ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
        archive.writestr("bomb.png", bytes(9 * 2**20))
        archive.writestr("cut.png", png()[:40])
        archive.writestr("empty.png", b"")
        with pytest.warns(UserWarning):
            archive.writestr("000.png", png(200))
    data = load_dataset(path)
    reasons = dict(data.skipped)
    climbs = {name for name, why in reasons.items() if why == "its path leads outside the zip"}
    assert climbs == {"../up.png", "in/../../up2.png", "/abs.png", "C:/drive.png", "back/../../slash.png"}
    assert reasons["link.png"] == "a link" and "bomb" in reasons["bomb.png"] and reasons["empty.png"] == "empty file"
    assert reasons["cut.png"] and reasons["000.png"] == "duplicate name" and len(reasons) == 10
    assert len(data.train) + len(data.test) == 12


def test_names_that_climb_only_when_they_are_printable(tmp_path):
    names = [" /tmp/x.png", " ../z.png", "\x07../y.png"]
    data = load_dataset(zipped(tmp_path / "a.zip", {**shades(), **{name: png() for name in names}}))
    assert {why for _, why in data.skipped} == {"its path leads outside the zip"} and len(data.skipped) == 3


def test_a_damaged_entry(tmp_path):
    path = zipped(tmp_path / "a.zip", shades(13))
    content = bytearray(path.read_bytes())
    content[60] ^= 255  # inside the first image
    path.write_bytes(content)
    ((name, why),) = load_dataset(path).skipped
    assert name == "000.png" and "CRC" in why


def test_encrypted(tmp_path):
    path = zipped(tmp_path / "a.zip", shades(13))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert load_dataset(path).skipped == (("000.png", "encrypted"),)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\3\4" + bytes(50)])
def test_no_zip(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert "damaged or not a zip" in told(tmp_path / "a.zip")


def test_too_few(tmp_path):
    assert "only 3 usable images" in told(zipped(tmp_path / "a.zip", shades(3)))
