"""What was decoded is kept: hits, misses, damage, room."""

import os

import pytest
from data.pictures import png, shades, unpacked, zipped

from sparring.data import Options, cache
from sparring.data.image import read
from sparring.modalities.load import load_dataset


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """A cache of the test's own; gives the files in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda: sorted((tmp_path / "cache" / "sparring" / "data").glob("*"))


@pytest.fixture
def decoded(monkeypatch):
    """The names decoded so far."""
    names: list[str] = []
    really = read._array

    def counted(item, *args):
        names.append(item.name)
        return really(item, *args)

    monkeypatch.setattr(read, "_array", counted)
    return names


FILES = {**shades(8, "a/"), **shades(8, "b/"), "a/broken.png": b""}


def same(one, other) -> bool:
    return (one.fingerprint, one.names, one.skipped, one.shape) == (
        other.fingerprint, other.names, other.skipped, other.shape,
    )  # fmt: skip


@pytest.mark.parametrize("pack", [unpacked, zipped])
def test_the_second_time_nothing_is_decoded(tmp_path, decoded, kept, pack):
    path = pack(tmp_path / "x.zip", FILES)
    first = load_dataset(path)
    assert len(decoded) == 17 and len(kept()) == 1
    assert (
        same(load_dataset(path), first) and same(load_dataset(path, Options(flip=True)), first) and len(decoded) == 17
    )


def test_a_change_is_seen(tmp_path, decoded):
    path = unpacked(tmp_path / "x", FILES)
    first = load_dataset(path)
    for count, options in enumerate((Options((8, 8)), Options(fit="pad"), Options(channels="rgb")), 2):
        load_dataset(path, options)
        assert len(decoded) == 17 * count
    (path / "a" / "000.png").write_bytes(png(200))
    os.utime(path / "a" / "000.png", ns=(1, 1))
    assert load_dataset(path).fingerprint != first.fingerprint
    (path / "b" / "extra.png").symlink_to("/etc/hostname")
    assert len(load_dataset(path).skipped) == 2


def test_a_changed_label_file_is_seen(tmp_path):
    path = unpacked(tmp_path / "x", shades(12))
    for names in (("a", "b"), ("c", "d")):
        (tmp_path / "l.csv").write_text("file,kind\n" + "".join(f"{i:03d}.png,{names[i % 2]}\n" for i in range(12)))
        assert load_dataset(path, Options(labels=str(tmp_path / "l.csv"))).names == names


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: b"",
        lambda content: content[:-7],
        lambda content: content[:9] + b"!" + content[10:],
        lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
        lambda content: b"\xff" * 64,
    ],
)
def test_damage_is_mended(tmp_path, decoded, kept, harm):
    path = unpacked(tmp_path / "x", FILES)
    first = load_dataset(path)
    (file,) = kept()
    whole = file.read_bytes()
    file.write_bytes(harm(whole))
    assert same(load_dataset(path), first) and len(decoded) == 34
    assert len(kept()) == 1 and len(file.read_bytes()) == len(whole)


def test_what_was_not_used_goes(tmp_path, monkeypatch, kept):
    places = [unpacked(tmp_path / name, shades(12)) for name in "xyz"]
    load_dataset(places[0])
    (oldest,) = kept()
    load_dataset(places[1])
    os.utime(oldest, (1, 1))
    load_dataset(places[0])  # used again, so the other one is older now
    monkeypatch.setattr(cache, "_MAX_BYTES", int(oldest.stat().st_size * 2.5))
    (other,) = set(kept()) - {oldest}
    os.utime(other, (2, 2))
    load_dataset(places[2])
    assert len(kept()) == 2 and oldest in kept() and other not in kept()
    monkeypatch.setattr(cache, "_MAX_BYTES", 10)
    load_dataset(places[1])
    assert other not in kept()


def test_what_killed_runs_left_goes(tmp_path, kept):
    folder = tmp_path / "cache" / "sparring" / "data"
    left = unpacked(folder, {".x.safetensors.1.part": b"x", ".y.safetensors.2.part": b"y"})
    os.utime(left / ".x.safetensors.1.part", (1, 1))
    load_dataset(unpacked(tmp_path / "x", shades(12)))
    assert len(kept()) == 2 and left / ".y.safetensors.2.part" in kept()


def test_without_a_cache(tmp_path, kept):
    (tmp_path / "cache").write_text("no folder")
    assert len(load_dataset(unpacked(tmp_path / "x", shades(12))).train) == 10 and kept() == []
