"""Checks of training: reference losses, `torch.compile`, communication of processes."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.resources import files

import torch

from sparring.doctor.check import BROKEN, OK, Check, worst
from sparring.errors import one_line
from sparring.modalities.load import load_dataset
from sparring.recipes import RECIPES
from sparring.training.config.config import Config
from sparring.training.distributed.processes import process_group
from sparring.training.loop.precision import device
from sparring.training.run.assemble import build_loop

ROUNDS, LR = 6, 5e-3
"""A large learning rate, so that losses move away from their initial values."""
TOLERANCE = {"cpu": 1e-3, "cuda": 2e-2, "mps": 2e-2}
"""Of a loss: the order of summation depends on the machine, and GPUs round fp32 products."""
TOGETHER = 60.0
"""Seconds in which two processes must connect and average a number."""


def training() -> Check:
    """Whether a few rounds of a small DCGAN have the losses in `losses.json`."""
    expected = json.loads((files("sparring.doctor") / "losses.json").read_text())
    names = dict.fromkeys(["cpu", str(device("auto"))])
    return worst([_compared(name, expected, losses(name)) for name in names])


def losses(name: str) -> list[dict[str, float]]:
    """The losses of each round on a device, by name."""
    dcgan = RECIPES["dcgan"]
    small = {"width": 8}
    recipe = replace(
        dcgan,
        z=8,
        generator=replace(dcgan.generator, numbers=small),
        critic=replace(dcgan.critic, numbers={**dcgan.critic.numbers, **small}),
        batch=32,
        lr=LR,
    )
    config = Config(recipe, "digits", examples=ROUNDS * recipe.batch, device=name)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        loop = build_loop(config, load_dataset("digits"), torch.device(name))
        return [{part: float(loss) for part, loss in loop.round().items()} for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(before)


def _compared(name: str, expected: list[dict[str, float]], actual: list[dict[str, float]]) -> Check:
    error = max(
        abs(now[part] - loss) if part in now else float("inf")
        for now, then in zip(actual, expected, strict=True)
        for part, loss in then.items()
    )
    if error <= TOLERANCE[name.split(":")[0]]:  # false for NaN
        return Check(OK, f"the losses of {ROUNDS} rounds on {name} are within {error:.0e} of the reference")
    advice = f"do not trust results of {name}: reinstall torch, and check memory and driver"
    return Check(BROKEN, f"the losses of {ROUNDS} rounds on {name} differ from the reference by {error:.2g}", advice)


def compiling() -> Check:
    """Whether `torch.compile` gives the results of eager code."""

    def loss(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.softplus(x @ x.T).mean()

    on = device("auto")
    x = torch.randn(32, 16, generator=torch.Generator().manual_seed(0)).to(on)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # an empty cache, so that it compiles
        start = time.perf_counter()
        try:
            error = float((torch.compile(loss, dynamic=False)(x) - loss(x)).abs())
        except Exception as problem:  # a missing or failing compiler raises almost anything
            lines = str(problem).strip().splitlines() or [type(problem).__name__]
            advice = "install a C++ compiler (g++ or clang), or train without --compiled"
            return Check(BROKEN, f"torch.compile fails: {one_line(lines[0])[:120]}", advice)
        seconds = time.perf_counter() - start
    if not error < 1e-4:
        return Check(BROKEN, f"compiled code differs from eager code by {error:.2g}", "train without --compiled")
    return Check(OK, f"compiled on {on} in {seconds:.0f} s, within {error:.0e} of eager code")


def collective() -> Check:
    """Whether two processes on this machine can average a number, as distributed training does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "sparring.doctor.working", str(TOGETHER)],
            env=os.environ | world | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    advice = "check the firewall of 127.0.0.1 and GLOO_SOCKET_IFNAME; until then, train in one process"
    try:
        outputs = [process.communicate(timeout=2 * TOGETHER) for process in started]
    except subprocess.TimeoutExpired:
        return Check(BROKEN, f"two processes did not connect within {2 * TOGETHER:.0f} s", advice)
    finally:
        for process in started:
            process.kill()
    if [out.strip() for out, _ in outputs] == ["1.5", "1.5"]:
        return Check(OK, "two processes averaged a number over gloo")
    reason = next((error.strip().splitlines()[-1] for _, error in outputs if error.strip()), "wrong numbers")
    return Check(BROKEN, f"two processes can't communicate: {one_line(reason)[:160]}", advice)


if __name__ == "__main__":  # one of the two processes of `collective`: prints the mean of rank + 1
    with process_group(float(sys.argv[1])) as ranks:
        number = torch.tensor([ranks.rank + 1.0])
        ranks.average_([number])
        print(f"{float(number):g}")
