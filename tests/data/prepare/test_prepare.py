"""Prepared sets: the same images from every kind of source, gone on with after a kill, and refused when not whole."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import refused
from data.pictures import png, shades, unpacked, zipped
from PIL import Image

from sparring.build.game import build_game
from sparring.data import Options
from sparring.data.dataset import digest
from sparring.data.load import preparable_source
from sparring.data.prepare import prepare as preparing
from sparring.data.prepare.prepare import prepare_dataset
from sparring.errors import UserError
from sparring.modalities.array_source import InMemory, MemoryMapped
from sparring.modalities.image import IMAGE
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import modality_of
from sparring.recipes import RECIPES
from sparring.training.distributed.ranks import Ranks
from sparring.training.feed.prefetch import DEPTH, Prefetcher
from sparring.training.loop.batches import RoundStream

CPU = torch.device("cpu")


def prepared(spec: Path, out: Path, workers: int = 1, **options):
    return prepare_dataset(preparable_source(str(spec)), out, Options(**options), workers)


def classes(n: int = 24) -> dict[str, bytes]:
    """PNG files of n shades in two classes."""
    return {f"{'ab'[i % 2]}/{i:03d}.png": png(10 * i) for i in range(n)}


def shards(folder: Path, files: dict[str, bytes], count: int = 3) -> Path:
    """WebDataset's: each image with its class beside it."""
    folder.mkdir()
    names = list(files)
    for k in range(count):
        with tarfile.open(folder / f"shard-{k}.tar", "w") as archive:
            for name in names[k::count]:
                stem = Path(name).stem
                for member, content in ((f"{stem}.png", files[name]), (f"{stem}.cls", name[0].encode())):
                    about = tarfile.TarInfo(member)
                    about.size = len(content)
                    archive.addfile(about, io.BytesIO(content))
    return folder


def parquets(folder: Path, files: dict[str, bytes]) -> Path:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder.mkdir()
    for k in range(2):
        part = {name: content for i, (name, content) in enumerate(files.items()) if i % 2 == k}
        rows = {"image": [{"bytes": content} for content in part.values()], "label": [name[0] for name in part]}
        parquet.write_table(arrow.table(rows), folder / f"part-{k}.parquet", row_group_size=5)
    return folder


MAKERS = {
    "folder": lambda at, files: unpacked(at / "set", files),
    "zip": lambda at, files: zipped(at / "set.zip", files),
    "tar": lambda at, files: shards(at / "set", files),
    "parquet": lambda at, files: parquets(at / "set", files),
}


def content(data) -> set:
    """Each image, told by its shade, with its class."""
    parts = (data.train, data.test)
    return {
        (int(image[0, 0, 0]), data.names[label])
        for part in parts
        for image, label in zip(part.values, part.labels.tolist(), strict=True)
    }


@pytest.mark.parametrize("kind", MAKERS)
def test_every_source_gives_its_images_with_their_classes(kind, tmp_path):
    held, decoded = prepared(MAKERS[kind](tmp_path, classes()), tmp_path / "out", size=(8, 8))
    data = load_dataset(tmp_path / "out")
    assert decoded == 24 and data.mapped and (len(data.train), len(data.test)) == (20, 4) == (held.train, held.test)
    assert content(data) == {(10 * i, "ab"[i % 2]) for i in range(24)}
    assert data.fingerprint == digest(data.train, data.test)[:16] == held.fingerprint
    assert data.shape == (1, 8, 8) and data.classes == 2


@pytest.mark.parametrize("kind", MAKERS)
def test_decoding_in_processes_gives_the_same_bytes(kind, tmp_path, monkeypatch):
    spec = MAKERS[kind](tmp_path, classes() | {"a/broken.png": b"no image"})
    prepared(spec, tmp_path / "one", size=(8, 8))
    monkeypatch.setattr(preparing, "_MIN_IMAGES_PER_WORKER", 5)
    held, _ = prepared(spec, tmp_path / "two", workers=2, size=(8, 8))
    one, two = (tmp_path / name / "images.bin" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes() and len(held.broken) == 1


def test_those_left_out_leave_no_gap(tmp_path):
    files = shades(20, "x/") | {f"x/bad{i}.png": b"no image" for i in range(7)} | {"x/empty.png": b""}
    held, _ = prepared(unpacked(tmp_path / "set", files), tmp_path / "out", size=(16, 16))
    data = load_dataset(tmp_path / "out")
    both = torch.cat([data.train.values, data.test.values])
    assert sorted(both[:, 0, 0, 0].tolist()) == list(range(20)) and len(held.broken) == 8
    assert (tmp_path / "out" / "images.bin").stat().st_size == 20 * 16 * 16


def test_a_class_that_cannot_be_learnt_is_left_out(tmp_path):
    lone = {f"c{i}/only.png": png(200 + i) for i in range(12)}
    held, _ = prepared(unpacked(tmp_path / "set", classes() | lone), tmp_path / "out", size=(8, 8))
    data = load_dataset(tmp_path / "out")
    assert set(data.test.labels.tolist()) <= set(data.train.labels.tolist())
    assert len(held.names) + len(held.broken) == 14 and held.broken


KILLED = """
import os, signal, sys
from sparring.data.prepare import workers
decode, count = workers.ImageDecoder.__call__, [0]
def slowly(self, piece):
    count[0] += 1
    if count[0] == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(self, piece)
workers.ImageDecoder.__call__ = slowly
from sparring.commands.cli import main
main(sys.argv[1:])
"""


def test_after_kill_9_only_the_last_piece_is_done_again(tmp_path, monkeypatch):
    spec = unpacked(tmp_path / "set", {f"{i:03d}.png": png(i) for i in range(100)} | {"bad.png": b"?"})
    words = ["data", "prepare", str(spec), str(tmp_path / "out"), "--size", "8", "--workers", "1"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", KILLED, *words], env=env).returncode == -signal.SIGKILL
    (tmp_path / "out" / "done.jsonl").open("a").write('{"items": [9')  # a power cut tears the last line
    _, decoded = prepared(spec, tmp_path / "out", size=(8, 8))
    assert decoded == 101 - 3 * preparing._MIN_BATCH
    prepared(spec, tmp_path / "straight", size=(8, 8))
    resumed, straight = (tmp_path / name / "images.bin" for name in ("out", "straight"))
    assert resumed.read_bytes() == straight.read_bytes()


@pytest.mark.parametrize("content", ["", "7", "[" * 100_000, '{"key": "", "size": [8], "channels": "rgb"}'])
def test_a_damaged_beginning_is_told_in_a_line(tmp_path, content):
    spec, out = unpacked(tmp_path / "set", classes()), tmp_path / "out"
    out.mkdir()
    (out / "begun.json").write_text(content)
    with pytest.raises(UserError, match=r"begun\.json is damaged"):
        prepared(spec, out, size=(8, 8))


def test_what_is_noted_after_a_torn_line_is_not_forgotten(tmp_path, monkeypatch):
    spec, out = unpacked(tmp_path / "set", {f"{i:03d}.png": png(i) for i in range(100)}), tmp_path / "out"
    finish = preparing._finalise

    def interrupted(*words):
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "_finalise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepared(spec, out, size=(8, 8))
    notes = out / "done.jsonl"
    lines = notes.read_bytes().splitlines(keepends=True)
    for torn in (lines[1][:20], lines[1][:-1]):  # within the line, and all but its end
        notes.write_bytes(lines[0] + torn)
        with pytest.raises(KeyboardInterrupt):
            prepared(spec, out, size=(8, 8))
        assert len(notes.read_bytes().splitlines()) == len(lines)
    monkeypatch.setattr(preparing, "_finalise", finish)
    assert prepared(spec, out, size=(8, 8))[1] == 0


def test_interrupted_while_room_is_made(tmp_path, monkeypatch):
    spec, out = unpacked(tmp_path / "set", classes()), tmp_path / "out"

    def interrupted(*words):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "posix_fallocate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepared(spec, out, size=(8, 8))
    monkeypatch.undo()
    (out / "done.jsonl").write_text('{"items": [0, 1, 2], "broken": []}\n')  # of pixels that went
    assert prepared(spec, out, size=(8, 8))[1] == 24
    assert content(load_dataset(out)) == {(10 * i, "ab"[i % 2]) for i in range(24)}


def test_prepared_again_it_is_checked(tmp_path):
    spec = unpacked(tmp_path / "set", classes())
    first, _ = prepared(spec, tmp_path / "out", size=(8, 8))
    again, decoded = prepared(spec, tmp_path / "out", size=(8, 8))
    assert again == first and decoded == 0
    with pytest.raises(UserError, match="other files or options"):
        prepared(spec, tmp_path / "out", size=(16, 16))
    path = tmp_path / "out" / "images.bin"
    pixels = np.fromfile(path, np.uint8)
    pixels[700] += 1
    pixels.tofile(path)
    with pytest.raises(UserError, match="was modified"):  # so few that all are looked at
        load_dataset(tmp_path / "out")


def test_what_is_not_whole_is_refused_in_one_line(tmp_path, capsys, monkeypatch):
    spec, out = unpacked(tmp_path / "set", classes()), tmp_path / "out"
    prepared(spec, out, size=(8, 8))
    train = ("train", "dcgan", "--out", tmp_path / "run", "--data", out)
    assert "the only option that applies is --flip" in refused(capsys, *train, "--size", "16")
    about = json.loads((out / "store.json").read_text())
    (out / "store.json").write_text(json.dumps(about | {"format": 2}))
    assert "another version (format 2, this version reads 1)" in refused(capsys, *train)
    (out / "store.json").write_text("{")
    assert "store.json is damaged" in refused(capsys, *train)
    (out / "store.json").write_text(json.dumps(about))
    os.truncate(out / "images.bin", 1000)
    assert "is truncated: 1,000 of 1,536 bytes" in refused(capsys, *train)
    new = ("data", "prepare", spec, tmp_path / "new", "--size", "8")
    assert "is not a prepared data set" in refused(capsys, "data", "prepare", spec, spec)
    assert "is not a prepared data set" in refused(capsys, "data", "prepare", spec, spec / "a" / "000.png")
    assert "nothing to prepare" in refused(capsys, "data", "prepare", "digits", tmp_path / "new")
    assert "workers is 0" in refused(capsys, *new, "--workers", "0")
    assert "leave it out" in refused(capsys, *new, "--flip")
    monkeypatch.setattr("shutil.disk_usage", lambda path: os.terminal_size((0, 0)) and type("", (), {"free": 10})())
    assert "its disk has 0.0 GB free" in refused(capsys, *new)
    assert not (tmp_path / "run").exists()


def test_a_shard_that_ends_early_is_refused(tmp_path, capsys):
    folder = shards(tmp_path / "set", classes())
    path = folder / "shard-1.tar"
    for size in (path.stat().st_size // 2 + 100, 512 * 4):
        path.write_bytes(path.read_bytes()[:size])
        said = refused(capsys, "data", "prepare", folder, tmp_path / "out", "--size", "8")
        assert "shard-1.tar is truncated" in said, said
    assert not (tmp_path / "out").exists()


def test_colour_among_grey_is_told_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "_INSPECTED", 3)
    grey = {f"{i:02d}.png": png(i) for i in range(30)}
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (255, 0, 0)).save(file, "PNG")
    held, _ = prepared(unpacked(tmp_path / "set", grey | {"red.png": file.getvalue()}), tmp_path / "out")
    assert [name for name, why in held.broken if "prepare with --channels rgb" in why] == ["red.png"]
    held, _ = prepared(tmp_path / "set", tmp_path / "rgb", channels="rgb")
    assert held.shape[0] == 3 and not held.broken


def test_training_on_a_mapped_set_is_training_on_a_held_one(tmp_path):
    """The same batches, read ahead by threads; mirrored ones too."""
    prepared(unpacked(tmp_path / "set", classes()), tmp_path / "out", size=(8, 8))
    data = load_dataset(tmp_path / "out", Options(flip=True))
    mapped, held = modality_of(data).source(data, CPU), InMemory(IMAGE, data, CPU)
    assert isinstance(mapped, MemoryMapped) and len(mapped) == 40
    which = torch.tensor([0, 39, 7, 20])
    for x, y in zip(mapped[which], held[which], strict=True):
        assert torch.equal(x, y)
    rounds = [RoundStream(_game(), each, 8, 0, 1, Ranks(1, 2)) for each in (mapped, held)]
    for k in (0, 1, 2, 9, 3):  # a resumed run begins anywhere
        for each in rounds:
            each.opened = k
        a, b = (each.open(each.game.turns(0), CPU)[0] for each in rounds)
        assert torch.equal(a.real, b.real) and torch.equal(a.condition, b.condition) and len(a.real) == 4
    assert rounds[0].waited > 0 and rounds[1].waited == 0


def _game():
    return build_game(RECIPES["mlp-gan"], (1, 8, 8))


def test_batches_are_read_before_they_are_asked_for():
    read, deep = [], threading.Event()

    def reading(indices):
        read.append(int(indices))
        if len(read) == DEPTH:
            deep.set()
        return indices

    ahead = Prefetcher(reading, lambda k: torch.tensor([k]))
    assert int(ahead(0)) == 0
    assert deep.wait(30) and sorted(read) == list(range(DEPTH))
    assert [int(ahead(k)) for k in (1, 2, 3)] == [1, 2, 3] and int(ahead(100)) == 100
