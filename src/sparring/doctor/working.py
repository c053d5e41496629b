"""Whether what a run needs works: training gives the numbers it should, compiled code what eager code gives, and two
processes reach each other."""

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

from sparring.data import load_dataset
from sparring.doctor.check import BROKEN, OK, Check, worst
from sparring.errors import one_line
from sparring.recipes import RECIPES
from sparring.training.loop.precision import device
from sparring.training.run.assemble import build_loop
from sparring.training.run.config import Config

ROUNDS, LR = 6, 5e-3
"""Steps so long that the losses leave where they begin."""
TOLERANCE = {"cpu": 1e-3, "cuda": 2e-2, "mps": 2e-2}
"""Of a loss. The order of sums differs from machine to machine, and GPUs round products of fp32."""
TOGETHER = 60.0
"""Seconds two processes have to find each other and add two numbers."""


def training() -> Check:
    """A few rounds of a small DCGAN lose what they lost when the numbers in `losses.json` were taken."""
    wanted = json.loads((files("sparring.doctor") / "losses.json").read_text())
    names = dict.fromkeys(["cpu", str(device("auto"))])
    return worst([_compared(name, wanted, losses(name)) for name in names])


def losses(name: str) -> list[dict[str, float]]:
    """Every loss of each round, on a device."""
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
    config = Config(recipe, "digits", images=ROUNDS * recipe.batch, device=name)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        loop = build_loop(config, load_dataset("digits"), torch.device(name))
        return [{part: float(loss) for part, loss in loop.round().items()} for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(before)


def _compared(name: str, wanted: list[dict[str, float]], found: list[dict[str, float]]) -> Check:
    apart = max(
        abs(now[part] - loss) if part in now else float("inf")
        for now, then in zip(found, wanted, strict=True)
        for part, loss in then.items()
    )
    told = f"{ROUNDS} rounds on {name} are within {apart:.0e} of what they should lose"
    if apart <= TOLERANCE[name.split(":")[0]]:  # false for NaN
        return Check(OK, told)
    todo = f"do not trust what is trained on {name}: reinstall torch, and see memory and driver"
    return Check(BROKEN, f"{ROUNDS} rounds on {name} lose what they should not, {apart:.2g} apart", todo)


def compiling() -> Check:
    """`torch.compile` gives what eager code gives."""

    def loss(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.softplus(x @ x.T).mean()

    on = device("auto")
    x = torch.randn(32, 16, generator=torch.Generator().manual_seed(0)).to(on)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # so that it is compiled now
        start = time.perf_counter()
        try:
            apart = float((torch.compile(loss, dynamic=False)(x) - loss(x)).abs())
        except Exception as error:  # a compiler that is missing or fails raises almost anything
            reason = one_line(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)[:120]
            todo = "install a C++ compiler (g++ or clang), or train without --compiled"
            return Check(BROKEN, f"torch.compile fails: {reason}", todo)
        seconds = time.perf_counter() - start
    if not apart < 1e-4:
        return Check(BROKEN, f"compiled code is {apart:.2g} off", "train without --compiled")
    return Check(OK, f"compiled on {on} in {seconds:.0f} s, within {apart:.0e} of eager code")


def collective() -> Check:
    """Two processes on this machine average a number, as a run on several does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-m", "sparring.doctor.collective", str(TOGETHER)]
    started = [
        subprocess.Popen(
            command,
            env=os.environ | world | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    todo = "see the firewall of 127.0.0.1 and GLOO_SOCKET_IFNAME; without it, train in one process"
    try:
        said = [process.communicate(timeout=2 * TOGETHER) for process in started]
    except subprocess.TimeoutExpired:
        return Check(BROKEN, f"two processes did not reach each other in {2 * TOGETHER:.0f} s", todo)
    finally:
        for process in started:
            process.kill()
    if [out.strip() for out, _ in said] == ["1.5", "1.5"]:
        return Check(OK, "two processes averaged a number over gloo")
    reason = next((error.strip().splitlines()[-1] for _, error in said if error.strip()), "wrong numbers")
    return Check(BROKEN, f"two processes can't work together: {one_line(reason)[:160]}", todo)
