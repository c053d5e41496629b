"""Files from strangers: so many damaged copies of each kind of file the library reads, and what comes of them.

    python tests/system/fuzz.py [--count 1000] [--seed 0] [--formats …] [--json]

Each case damages a good file at random (bits, slices, cuts, extreme numbers, tokens that parsers stumble over; every
second JSON states other values) and reads it the way a user would. It is *taken* or *refused* in one line
(`UserError`); anything else is a fault: another exception, a process that dies, more than 10 seconds, more than 1 GiB
above what the process held before. A process reads one format; when it dies or hangs, the next one goes on with the
next case.
"""

import argparse
import io
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from damage import damaged, misstated
from PIL import Image
from safetensors.torch import save_file

PATIENCE, MEMORY = 10.0, 2**30
TAKEN, REFUSED = "taken", "refused"
Read = Callable[[bytes], object]


def image(side: int = 12) -> Image.Image:
    return Image.fromarray(np.random.default_rng(side).integers(0, 255, (side, side + 3, 3), np.uint8).astype(np.uint8))


def encoded(form: str) -> bytes:
    file = io.BytesIO()
    image().save(file, form)
    return file.getvalue()


def of_folder(here: Path, ending: str) -> Read:
    """One damaged image among good ones."""
    from sparring.modalities.load import load_dataset

    for i in range(12):
        image(12 + i).save(here / f"{i}.png")

    def read(content: bytes) -> object:
        (here / f"x.{ending}").write_bytes(content)
        return load_dataset(here)

    return read


def of_sounds(here: Path, ending: str) -> Read:
    """One damaged sound beside a good one."""
    from sparring.data.scan.scan import scan_spec
    from sparring.errors import UserError

    (here / "good.wav").write_bytes(heard("WAV"))

    def read(content: bytes) -> object:
        (here / f"x.{ending}").write_bytes(content)
        found = scan_spec(here)
        if broken := dict(found.broken).get(f"x.{ending}"):
            raise UserError(broken)
        return found

    return read


def heard(form: str) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, (300, 2)), 8000, format=form)
    return file.getvalue()


def of_labels(here: Path, name: str) -> Read:
    from sparring.data import Options
    from sparring.modalities.load import load_dataset

    for i in range(14):
        image(12 + i).save(here / f"{i}.png")

    def read(content: bytes) -> object:
        (here / name).write_bytes(content)
        return load_dataset(here, Options(labels=str(here / name)))

    return read


def of_file(here: Path, name: str) -> Read:
    from sparring.modalities.load import load_dataset

    def read(content: bytes) -> object:
        (here / name).write_bytes(content)
        return load_dataset(here / name)

    return read


def of_run(here: Path, name: str) -> Read:
    """A file of a run, and everything that reads one: its model, its configuration, its journal, a checkpoint."""
    import sparring
    from sparring.training.checkpoint import latest_checkpoint
    from sparring.training.config.config import Config
    from sparring.training.journal import Journal

    run_of(here)
    readers: dict[str, Callable[[], object]] = {
        "model.json": lambda: sparring.load(here).sample(2),
        "last.safetensors": lambda: sparring.load(here, "last").sample(2),
        "run.json": lambda: Config.load(here),
        "journal.jsonl": lambda: Journal(here / "journal.jsonl").seconds,
        "1.safetensors": lambda: latest_checkpoint(here / "checkpoints", torch.device("cpu")),
    }
    path = next(here.rglob(name))

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return readers[name]()

    return read


def run_of(here: Path) -> None:
    from dataclasses import replace

    import sparring
    from sparring.recipes import RECIPES

    small = {"width": 4}
    dcgan = RECIPES["dcgan"]
    recipe = replace(
        dcgan,
        z=4,
        generator=replace(dcgan.generator, numbers=small),
        critic=replace(dcgan.critic, numbers={**dcgan.critic.numbers, **small}),
    )
    here.rmdir()
    sparring.train(recipe, "digits", here, images=128, reports=1, threads=1)
    checkpoint = next((here / "checkpoints").glob("*.safetensors"))
    checkpoint.rename(checkpoint.with_name("1.safetensors"))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(14):
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", encoded("PNG"))
    return file.getvalue()


def tarred() -> bytes:
    import tarfile

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for i in range(14):
            for name, content in ((f"{i}.png", encoded("PNG")), (f"{i}.cls", b"01"[i % 2 : i % 2 + 1])):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def rows() -> bytes:
    lines = [f"{i},{i / 7:.3f},{'abc'[i % 3]},2026-01-{i % 28 + 1:02d}" for i in range(40)]
    return "\n".join(["number,share,kind,day", *lines]).encode()


def arrays() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, images=np.zeros((14, 8, 8), np.uint8), labels=np.arange(14))
    return file.getvalue()


def idx() -> bytes:
    return bytes([0, 0, 8, 3]) + np.array([14, 8, 8], ">u4").tobytes() + bytes(14 * 64)


def gzipped() -> bytes:
    import gzip

    return gzip.compress(idx())


def parquet() -> bytes:
    import pyarrow as arrow
    import pyarrow.parquet as files

    rows = [{"bytes": encoded("PNG"), "path": None} for _ in range(14)]
    file = io.BytesIO()
    files.write_table(arrow.table({"image": rows, "label": list(range(14))}), file)
    return file.getvalue()


def tensors() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_file({"a": torch.zeros(3, 4), "b": torch.zeros(2)}, Path(folder, "a.safetensors"))
        return Path(folder, "a.safetensors").read_bytes()


def table(kind: str) -> bytes:
    named = {f"{i}.png": ["a", "b"][i % 2] for i in range(14)}
    if kind == "json":
        return json.dumps(named).encode()
    return "\n".join(["file,class", *(f"{k},{v}" for k, v in named.items())]).encode()


OF_RUN = ("model.json", "last.safetensors", "run.json", "journal.jsonl", "1.safetensors")
FORMATS: dict[str, tuple[Callable[[Path], Read], Callable[[], bytes] | None]] = {
    **{
        form: (lambda here, form=form: of_folder(here, form), lambda form=form: encoded(form.upper()))
        for form in ("png", "jpeg", "gif", "webp", "bmp", "tiff")
    },
    **{
        form: (lambda here, form=form: of_sounds(here, form), lambda form=form: heard(form.upper()))
        for form in ("wav", "flac", "ogg", "aiff")
    },
    "csv": (lambda here: of_labels(here, "labels.csv"), lambda: table("csv")),
    "json": (lambda here: of_labels(here, "labels.json"), lambda: table("json")),
    "zip": (lambda here: of_file(here, "a.zip"), zipped),
    "tar": (lambda here: of_file(here, "a.tar"), tarred),
    "table": (lambda here: of_file(here, "a.csv"), rows),
    "npz": (lambda here: of_file(here, "a.npz"), arrays),
    "idx": (lambda here: of_file(here, "a-idx3-ubyte"), idx),
    "idx.gz": (lambda here: of_file(here, "a-idx3-ubyte.gz"), gzipped),
    "parquet": (lambda here: of_file(here, "a.parquet"), parquet),
    **{name: (lambda here, name=name: of_run(here, name), None) for name in OF_RUN},
}
"""How each is read, and a good one; a run's are there once it has been made."""


def worker(name: str, seed: int, start: int, count: int, told: Connection) -> None:
    """Tells the outcome of each case, from `start` on."""
    from sparring.errors import UserError

    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    prepare, make = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        here = Path(folder, "here")
        here.mkdir()
        read = prepare(here)
        good = make() if make else next(here.rglob(name)).read_bytes()
        read(good)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told.send("ready")
        for i in range(start, count):
            change = misstated if name.endswith("json") and i % 2 else damaged
            content = change(good, np.random.default_rng([seed, i]))
            try:
                read(content)
                outcome = TAKEN
            except UserError as error:
                outcome = REFUSED if "\n" not in str(error) else f"several lines: {error}"
            except Exception as error:
                outcome = f"{type(error).__name__}: {error}"
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            told.send(outcome if grown < MEMORY else f"{grown / 2**30:.1f} GiB")


def outcomes(name: str, seed: int, count: int) -> list[str]:
    """Of every case."""
    found: list[str] = []
    context = multiprocessing.get_context("spawn")
    while len(found) < count:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=worker, args=(name, seed, len(found), count, there))
        process.start()
        there.close()
        ready = False
        while len(found) < count:
            try:
                if not here.poll(PATIENCE if ready else 300):
                    found.append(f"more than {PATIENCE:.0f} seconds")
                    break
                message = here.recv()
            except EOFError:
                found.append("the process died")
                break
            if message == "ready":
                ready = True
            else:
                found.append(message)
        process.kill()
        process.join()
        if not ready:
            sys.exit(f"{name}: even the good file is not read")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = {}
    for name in args.formats:
        found = outcomes(name, args.seed, args.count)
        faults = {i: each for i, each in enumerate(found) if each not in (TAKEN, REFUSED)}
        rows[name] = {**Counter(found), "faults": len(faults)} if args.json else (Counter(found), faults)
        print(name, {i: each[:160] for i, each in list(faults.items())[:8]}, file=sys.stderr)
    if args.json:
        print(json.dumps(rows))
        return
    print("| format | damaged files | taken | refused | faults |\n|---|---|---|---|---|")
    for name, (counts, faults) in rows.items():
        print(f"| {name} | {args.count:,} | {counts[TAKEN]:,} | {counts[REFUSED]:,} | {len(faults)} |")


if __name__ == "__main__":
    main()
