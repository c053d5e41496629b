"""The allocator keeps what was freed; measured in a process of its own, whose allocator it is."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from sparring.training.tuning.allocator import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = faults()
print(before, keep_freed_memory(), faults() and faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_what_is_freed_is_kept():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    before, kept, after = done.stdout.split()
    assert kept == "True" and int(before) > 10_000 and int(after) < int(before) / 10
