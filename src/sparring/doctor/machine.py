"""Checks of the machine: devices, number formats, threads, memory, disks."""

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
"""Side of the square matrices that are multiplied, and repetitions; the fastest counts."""
CLOSE = 0.02
"""Largest error allowed of a bf16 product, relative to the largest value."""
BUSY = 1.5
"""Load per core above which other programs slow training down."""
LITTLE, SCARCE = 2e9, 5e8
"""Free bytes below which memory is slow (a run may not fit), and broken (none fits)."""
WRITTEN, SLOW_DISK, ROOM = 2**25, 5e7, 2e9
"""Bytes written to a disk to test it; bytes per second, and free bytes, below which it is slow."""


def devices() -> Check:
    """Whether every GPU multiplies as the CPU does."""
    chosen = device("auto")
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    names += ["mps"] if torch.backends.mps.is_available() else []
    return worst([_device(name) for name in names] + [Check(OK, f"training uses {chosen}")])


def _device(name: str) -> Check:
    if name == "cpu":
        return Check(OK, f"cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)")
    about = torch.cuda.get_device_name(name) if name.startswith("cuda") else platform.machine()
    x = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    try:
        product = (x.to(name) @ x.to(name)).cpu()
    except RuntimeError as error:
        reason = str(error).splitlines()[0][:100]
        return Check(BROKEN, f"{name} ({about}): {reason}", f"check the driver of {name}, or train with --device cpu")
    if not torch.allclose(product, x @ x, atol=0.1, rtol=1e-2):
        return Check(BROKEN, f"{name} ({about}) multiplies wrongly", f"do not use {name}: check its driver and memory")
    return Check(OK, f"{name} ({about})")


def number_formats() -> Check:
    """Whether bf16 products are correct and, where training uses bf16, no slower than fp32."""
    on = device("auto")
    x = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0)).to(on)
    rates = {dtype: product_rate(x.to(dtype), TIMES + 1) for dtype in (torch.float32, torch.bfloat16)}
    full, half = x @ x, (x.bfloat16() @ x.bfloat16()).float()
    units = [
        unit for unit in ("amx_bf16", "avx512_bf16") if on.type == "cpu" and torch.cpu.get_capabilities().get(unit)
    ]
    chosen = precision("auto", on)
    message = f"{', '.join(units) or 'no bf16 units' if on.type == 'cpu' else on}: "
    message += f"fp32 {rates[torch.float32]:,.0f}, bf16 {rates[torch.bfloat16]:,.0f} GFLOP/s; training uses "
    message += "whichever is measured to be faster" if chosen == "auto" else chosen
    if (full - half).abs().max() > CLOSE * full.abs().max():
        return Check(BROKEN, f"{message}; bf16 products are wrong", "train with --precision fp32")
    if chosen == "bf16" and rates[torch.bfloat16] < rates[torch.float32]:
        return Check(SLOW, message, "train with --precision fp32, which is faster here")
    return Check(OK, message)


def threads() -> Check:
    """Whether there is a core for each thread, and no other load on them."""
    cores, threads = usable_cores(), torch.get_num_threads()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    message = f"{threads} threads on {cores:g} usable cores, load {load:.1f}"
    if threads > max(1, cores):
        return Check(SLOW, message, f"there are more threads than cores: set OMP_NUM_THREADS={max(1, int(cores))}")
    if load > BUSY * cores:
        return Check(SLOW, message, "other programs use the cores: wait for them, or expect slower training")
    if 2 * threads <= cores and "OMP_NUM_THREADS" in os.environ:
        return Check(SLOW, message, f"set OMP_NUM_THREADS={int(cores)}, or train with --threads {int(cores)}")
    return Check(OK, message)


def usable_cores() -> float:
    """Cores this process may run on, at most the CPU quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # no quota, or "max"
        return cores


def memory() -> Check:
    free = free_memory()
    message = f"{free / 1e9:.1f} GB free"
    if free < SCARCE:
        return Check(BROKEN, message, "close other programs: a run needs more")
    return Check(SLOW, message, "close other programs, or use small batches") if free < LITTLE else Check(OK, message)


def free_memory() -> float:
    """Bytes available without swapping; infinite where the system does not say."""
    limits = [float("inf")]
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        limits.append(int(lines["MemAvailable"].split()[0]) * 1024)
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError, KeyError):  # another system, no limit
        pass
    return min(limits)


def disks() -> Check:
    """Disks of the working directory and of the cache."""
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
        return Check(BROKEN, f"{name} ({there}): {error.strerror}", f"free space in {there}, or make it writable")
    state = os.statvfs(there) if hasattr(os, "statvfs") else None
    free = state.f_bavail * state.f_frsize if state else float("inf")
    message = f"{name} writes {rate / 1e6:,.0f} MB/s, {free / 1e9:,.0f} GB free"
    if not same:
        return Check(BROKEN, f"{message}; data read back differs from data written", f"do not use the disk of {there}")
    if free < ROOM:
        return Check(SLOW, message, f"free space in {there}: checkpoints may not fit")
    if rate < SLOW_DISK:
        return Check(SLOW, message, f"{there} is slow: write runs to another disk")
    return Check(OK, message)
