"""Sound files: what is read, what is refused, and what scan finds."""

import io
import json
import struct
import wave
import zipfile

import numpy as np
import pytest
from commands import spar
from PIL import Image

from sparring.data.audio import wav
from sparring.data.audio.wav import read_sound as read
from sparring.data.image.file import UnreadableImage
from sparring.data.scan import audio
from sparring.data.scan.scan import scan_spec
from sparring.errors import UserError
from sparring.modalities.load import load_dataset

RATE = 8000


def pcm(samples, rate=RATE, channels=1):
    """A WAV of 16 bits, by the standard library."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.asarray(samples, "<i2").tobytes())
    return file.getvalue()


def tone(seed=0, n=800, loud=8000):
    return (loud * np.sin(np.arange(n) * (0.05 + seed / 100))).clip(-32768, 32767).astype("<i2")


def written(samples, form, subtype=None, rate=RATE):
    library = pytest.importorskip("soundfile")
    file = io.BytesIO()
    library.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def opened(content):
    return lambda: io.BytesIO(content)


def test_samples_are_those_of_the_file():
    found = read(opened(pcm(tone(), channels=2)))
    assert (found.format, found.rate, found.values.shape, found.seconds) == ("WAV", RATE, (400, 2), 0.05)
    assert np.array_equal(found.values, tone().reshape(400, 2) / np.float32(32768))


def test_what_a_file_holds_counts_and_not_its_name(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.wav").write_bytes(written(tone(i), "FLAC"))
    assert scan_spec(tmp_path).formats == {"FLAC": 3}
    loud = np.array([0.5, -3.0], np.float32)  # floating-point numbers are kept, whatever they are
    assert np.array_equal(read(opened(written(loud, "WAV", "FLOAT"))).values[:, 0], loud)


def test_a_header_that_promises_too_much_takes_what_is_there():
    content = bytearray(pcm(tone()))
    content[4:8] = content[40:44] = struct.pack("<I", 0x7FFFFFFF)
    assert len(read(opened(bytes(content))).values) == 800


UNUSABLE = {
    "empty": (b"", "empty file"),
    "no sound": (b"RIFF, it says" * 9, "."),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(99), "."),
    "no samples": (pcm([]), "no samples"),
    "no numbers": ("NaN", "NaN or infinite"),
    "another kind": ("AU", "unsupported format AU"),
}


@pytest.mark.parametrize("content, reason", UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_sound_is_left_out_with_a_reason(content, reason):
    made = {"NaN": lambda: written(np.array([0.0, np.nan]), "WAV", "FLOAT"), "AU": lambda: written(tone(), "AU")}
    content = made[content]() if isinstance(content, str) else content
    with pytest.raises(UnreadableImage, match=reason) as raised:
        read(opened(content))
    assert "\n" not in str(raised.value)


def test_long_sounds_are_left_out_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr(wav, "MOST_SAMPLES", 1000)
    monkeypatch.setattr(wav, "_BLOCK", 300)
    assert len(read(opened(pcm(tone(n=1000)))).values) == 1000
    with pytest.raises(UnreadableImage, match="more than 1,000 samples"):
        read(opened(pcm(tone(n=1001))))


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(UserError, match=r"sparring\[audio\]"):
        read(opened(pcm(tone())))


@pytest.fixture
def recordings(tmp_path):
    """Twenty sounds of class a, one of b, and one of each thing that may be wrong."""
    folder = tmp_path / "recordings"
    for name in "ab":
        (folder / name).mkdir(parents=True)
    for i in range(20):
        (folder / "a" / f"{i:02d}.wav").write_bytes(pcm(tone(i)))
    odd = {
        "copy": pcm(tone(3)), "silent": pcm(tone(loud=20)), "clipped": pcm(tone(loud=40000)),
        "rate": pcm(tone(30), rate=16000), "long": pcm(tone(31, 9000)), "broken": b"RIFF",
    }  # fmt: skip
    for name, content in odd.items():
        (folder / "a" / f"{name}.wav").write_bytes(content)
    (folder / "b" / "x.wav").write_bytes(pcm(tone(40)))
    return folder


def test_scan_finds_what_was_planted(recordings):
    found = scan_spec(recordings)
    named = {each.name: [name for name, _ in each.where] for each in found.findings}
    assert named == {
        "broken": ["a/broken.wav"], "duplicates": ["a/copy.wav"], "silent": ["a/silent.wav"],
        "clipped": ["a/clipped.wav"], "rates": ["a/rate.wav"], "lengths": ["a/long.wav"], "imbalance": ["b"],
    }  # fmt: skip
    assert found.examples == 26 and found.classes == {"a": 25, "b": 1} and found.rates == {"8000": 25, "16000": 1}
    assert "a/copy.wav: the same as a/03.wav" in found.table() and "0.05 to 1.12 s" in found.table()


def test_a_zip_is_scanned_as_its_folder(recordings, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in recordings.rglob("*.wav"):
            archive.writestr(path.relative_to(recordings).as_posix(), path.read_bytes())
        archive.writestr("../climbs.wav", pcm(tone()))
    found, same = scan_spec(tmp_path / "a.zip"), scan_spec(recordings)
    assert found.findings[1:] == same.findings[1:]
    assert ("../climbs.wav", "its path leads outside the zip") in found.broken


def test_the_command(recordings, tmp_path, capsys):
    assert spar("data", "scan", recordings, "--out", tmp_path / "sheet.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["formats"] == {"WAV": 26}
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] > 5 * audio._WAVEFORM_SIZE[1]


def test_outlines_follow_the_loudness():
    rising = pcm(np.linspace(-1, 1, 9600) * 32767 * np.tile([1, -1], 4800))
    outline = audio.waveform(read(opened(rising)))
    dark = (outline == 0).sum(0)
    assert dark[0] == dark[-1] == 32 and dark[48] <= 2 and (np.diff(dark[:48]) <= 0).all()


def test_what_can_not_be_learnt_or_shown_is_one_line(recordings, tmp_path, capsys):
    with pytest.raises(UserError, match="27 sound files, which no recipe learns from"):
        load_dataset(recordings)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.wav").write_bytes(b"RIFF")
    assert spar("data", "scan", tmp_path / "bad", "--out", tmp_path / "x.png") == 2
    assert capsys.readouterr().err.strip() == f"spar: {tmp_path / 'bad'} has no usable sounds to plot"
