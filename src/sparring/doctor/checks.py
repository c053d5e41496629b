"""All checks by name, with the seconds each may take."""

from collections.abc import Callable

from sparring.doctor.check import Check
from sparring.doctor.installed import data, extras, versions
from sparring.doctor.machine import devices, disks, memory, number_formats, threads
from sparring.doctor.working import collective, compiling, training

CHECKS: dict[str, tuple[Callable[[], Check], float]] = {
    "versions": (versions, 30),
    "devices": (devices, 60),
    "precision": (number_formats, 60),
    "threads": (threads, 30),
    "memory": (memory, 30),
    "disk": (disks, 60),
    "training": (training, 300),
    "compile": (compiling, 300),
    "processes": (collective, 180),
    "extras": (extras, 120),
    "data": (data, 60),
}


def every() -> dict[str, tuple[Callable[[], Check], float]]:
    """`CHECKS`, as a function that the process of the checks can import."""
    return CHECKS
