"""What the machine has: devices, number formats, threads, memory, disks."""

import os
import platform
import tempfile
import time
from pathlib import Path

import torch

from sparring.doctor.check import BROKEN, OK, SLOW, Check, worst
from sparring.storage.atomic import cache_folder
from sparring.training.loop.precision import device, precision
from sparring.training.profile.roofline import product_rate

SIDE, TIMES = 1024, 3
"""Of the square matrices that are multiplied, and how often; the fastest counts."""
CLOSE = 0.02
"""The largest error of a bf16 product, as a share of the largest value."""
BUSY = 1.5
"""The load, for each core, from which on others are in the way."""
LITTLE, SCARCE = 2e9, 5e8
"""Bytes of memory: with less a run is cramped, and with less than the second none can begin."""
WRITTEN, SLOW_DISK, ROOM = 2**25, 5e7, 2e9
"""Bytes written to try a disk; bytes a second, and bytes free, below which it is slow."""


def devices() -> Check:
    """Every GPU multiplies as the CPU does."""
    chosen = device("auto")
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    names += ["mps"] if torch.backends.mps.is_available() else []
    return worst([_device(name) for name in names] + [Check(OK, f"training takes {chosen}")])


def _device(name: str) -> Check:
    if name == "cpu":
        return Check(OK, f"cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)")
    about = torch.cuda.get_device_name(name) if name.startswith("cuda") else platform.machine()
    x = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    try:
        product = (x.to(name) @ x.to(name)).cpu()
    except RuntimeError as error:
        reason = str(error).splitlines()[0][:100]
        return Check(BROKEN, f"{name} ({about}): {reason}", f"see its driver, or train with --device cpu, not {name}")
    if not torch.allclose(product, x @ x, atol=0.1, rtol=1e-2):
        return Check(BROKEN, f"{name} ({about}) multiplies wrongly", f"do not use {name}: see its driver and memory")
    return Check(OK, f"{name} ({about})")


def number_formats() -> Check:
    """bf16 is right, and where training takes it untimed, no slower than fp32."""
    on = device("auto")
    x = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0)).to(on)
    rates = {dtype: product_rate(x.to(dtype), TIMES + 1) for dtype in (torch.float32, torch.bfloat16)}
    full, half = x @ x, (x.bfloat16() @ x.bfloat16()).float()
    units = [
        unit for unit in ("amx_bf16", "avx512_bf16") if on.type == "cpu" and torch.cpu.get_capabilities().get(unit)
    ]
    takes = precision("auto", on)
    told = f"{', '.join(units) or 'no bf16 units' if on.type == 'cpu' else on}: "
    told += f"fp32 {rates[torch.float32]:,.0f}, bf16 {rates[torch.bfloat16]:,.0f} GFLOP/s; training takes "
    told += "whichever plays a game quicker" if takes == "auto" else takes
    if (full - half).abs().max() > CLOSE * full.abs().max():
        return Check(BROKEN, f"{told}; bf16 products are wrong", "train with --precision fp32")
    if takes == "bf16" and rates[torch.bfloat16] < rates[torch.float32]:
        return Check(SLOW, told, "train with --precision fp32, which is faster here")
    return Check(OK, told)


def threads() -> Check:
    """As many threads as there are cores to use, and nobody else on them."""
    cores, taken = usable_cores(), torch.get_num_threads()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    told = f"{taken} threads on {cores:g} usable cores, load {load:.1f}"
    if taken > max(1, cores):
        return Check(SLOW, told, f"more threads than cores hinder each other: set OMP_NUM_THREADS={max(1, int(cores))}")
    if load > BUSY * cores:
        return Check(SLOW, told, "others compute on this machine: wait for them, or expect less")
    if 2 * taken <= cores and "OMP_NUM_THREADS" in os.environ:
        return Check(SLOW, told, f"set OMP_NUM_THREADS={int(cores)}, or train with --threads {int(cores)}")
    return Check(OK, told)


def usable_cores() -> float:
    """Cores this process may run on; fewer where a container's quota says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # none, or "max"
        return cores


def memory() -> Check:
    free = free_memory()
    told = f"{free / 1e9:.1f} GB free"
    if free < SCARCE:
        return Check(BROKEN, told, "end other programs: a run needs more")
    return Check(SLOW, told, "end other programs, or take small batches") if free < LITTLE else Check(OK, told)


def free_memory() -> float:
    """Bytes a process can still get without swapping; infinite where the system does not say."""
    found = [float("inf")]
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
        group = Path("/sys/fs/cgroup")
        found.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError, KeyError):  # another system, no limit
        pass
    return min(found)


def disks() -> Check:
    """Where runs are written by default, and where sets and judges are kept."""
    places = {"here": Path.cwd(), "cache": cache_folder()}
    return worst([_disk(name, place) for name, place in places.items()])


def _disk(name: str, folder: Path) -> Check:
    content = os.urandom(2**20) * (WRITTEN // 2**20)
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            start = time.perf_counter()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            rate = WRITTEN / (time.perf_counter() - start)
            file.seek(0)
            same = file.read() == content
    except OSError as error:
        return Check(BROKEN, f"{name} ({there}): {error.strerror}", f"make room in {there}, or make it writable")
    state = os.statvfs(there) if hasattr(os, "statvfs") else None
    free = state.f_bavail * state.f_frsize if state else float("inf")
    told = f"{name} writes {rate / 1e6:,.0f} MB/s, {free / 1e9:,.0f} GB free"
    if not same:
        return Check(BROKEN, f"{told}; what is read is not what was written", f"do not trust the disk of {there}")
    if free < ROOM:
        return Check(SLOW, told, f"make room in {there}: checkpoints may not fit")
    return Check(SLOW, told, f"{there} is slow: write runs to another disk") if rate < SLOW_DISK else Check(OK, told)
