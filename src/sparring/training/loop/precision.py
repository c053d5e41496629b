"""What to compute with: the device and the number format, chosen by what the machine has."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sparring.errors import UserError

PRECISIONS = {"auto": None, "fp32": None, "bf16": torch.bfloat16}
"""What to cast to, by name; while it is open which one is quicker ("auto"), nothing is."""


def device(name: str) -> torch.device:
    """'auto' is the first of CUDA, MPS and CPU that is there. Raises UserError for one that is not."""
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = {"cuda": cuda, "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    if name == "auto":
        return torch.device(next(kind for kind, count in there.items() if count))
    kind, _, number = name.partition(":")
    one_of_them = name in (kind, f"{kind}:{int(number) if number.isdecimal() else 0}")
    if not one_of_them or int(number or 0) >= there.get(kind, 0):
        known = ", ".join(kind if count == 1 else f"{kind} ({count} of them)" for kind, count in there.items() if count)
        raise UserError(f"no device '{name}' on this machine; there are: {known}")
    return torch.device(name)


def precision(name: str, device: torch.device, bf16_suffices: bool = True) -> str:
    """The precision that a name chooses on a device.

    'auto' is fp32 where values have more digits than bf16: on the ring, whose modes are hardly wider than bf16's steps,
    a run ended at a divergence of .67 in bf16, and of .32 in fp32. Else it is bf16 on a GPU that has it; on a CPU with
    units for bf16 (AMX, AVX512-BF16) it stays "auto" until rounds are timed; elsewhere it is fp32.

    Raises UserError for an unknown name.
    """
    if name not in PRECISIONS:
        raise UserError(f"no precision '{name}'; there are: {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    if not bf16_suffices:
        return "fp32"
    if device.type == "cpu":
        cpu = torch.cpu.get_capabilities()
        return "auto" if cpu.get("amx_bf16") or cpu.get("avx512_bf16") else "fp32"
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Numbers too small to be normal count as 0 meanwhile: moments of what no longer learns halve until they are, and a
    CPU is slow with them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
