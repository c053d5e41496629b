"""Rounds of DCGAN-64 on one process and on two: throughput, and the cost model's prediction."""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist

from sparring.build.game import build_game
from sparring.recipes import RECIPES, Network
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings
from sparring.training.profile.cost_model import Cost, averaged, fit_interconnect
from sparring.training.profile.forecast import RandomImages

SHAPE, WARM = (3, 64, 64), 3
SIZES = (4_000, 40_000, 400_000, 4_000_000, 12_000_000, 24_000_000)
"""Bytes of measured all-reduces."""


def new_loop(batch: int, width: int = 64) -> Loop:
    paper = {"width": width}
    networks = {"generator": Network("dcgan-generator", paper), "critic": Network("dcgan-critic", paper)}
    recipe = replace(RECIPES["dcgan"], **networks)
    torch.manual_seed(0)
    game = build_game(recipe, SHAPE).to(memory_format=torch.channels_last)
    return Loop(game, RandomImages(512, SHAPE, 0, torch.device("cpu")), replace(loop_settings(recipe), batch=batch))


def timed(call, count: int) -> list[float]:
    times = []
    for _ in range(WARM + count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times[WARM:]


def work(what: str, threads: int, batch: int, rounds: int, joined: bool) -> None:
    """One process's part; prints its times."""
    torch.set_num_threads(threads)
    if joined:
        dist.init_process_group("gloo")
    if what == "rounds":
        times = {"rounds": timed(new_loop(batch).round, rounds)}
    else:
        buffers = {size: torch.ones(size // 4) for size in SIZES}
        times = {str(size): timed(lambda x=x: dist.all_reduce(x.fill_(1)), rounds) for size, x in buffers.items()}
    print(json.dumps(times))


def processes(count: int, what: str, threads: int, batch: int, rounds: int, joined: bool) -> list[dict]:
    """What each of several processes measured, started at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [what, str(threads), str(batch), str(rounds), str(int(joined))]
    started = []
    for rank in range(count):
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count), "RANK": str(rank)}
        env = os.environ | place | {"OMP_NUM_THREADS": str(threads)}
        started.append(subprocess.Popen([sys.executable, __file__, *words], env=env, stdout=subprocess.PIPE, text=True))
    answers = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"a process failed: {words}")
    return [json.loads(answer.strip().splitlines()[-1]) for answer in answers]


def throughput(args: argparse.Namespace) -> dict:
    """Images a second of one batch on two processes of one thread against one process of two, in turn."""
    pairs = []
    for _ in range(args.turns):
        two = processes(2, "rounds", 1, args.batch, args.rounds, joined=True)
        one = processes(1, "rounds", 2, args.batch, args.rounds, joined=False)
        pairs.append([args.batch / statistics.median(answers[0]["rounds"]) for answers in (two, one)])
    two, one = (list(column) for column in zip(*pairs, strict=True))
    ratios = [a / b for a, b in pairs]
    return {
        "images/s, two processes of one thread": two,
        "images/s, one process of two threads": one,
        "ratio": ratios,
        "median ratio (bar 0.85)": statistics.median(ratios),
    }


def model(args: argparse.Namespace) -> dict:
    """All-reduces give the link, the slower of two processes that do not speak the compute; rounds of two that do are
    the test."""
    found: dict[str, list[float]] = {"foretold ms": [], "measured ms": []}
    averages = averaged(new_loop(args.batch).game)
    links = []
    for _ in range(args.turns):
        told = processes(2, "all-reduce", 1, args.batch, args.rounds, joined=True)[0]
        link = fit_interconnect([(float(size), 2, statistics.median(times)) for size, times in told.items()])
        apart = processes(2, "rounds", 1, args.batch // 2, args.rounds, joined=False)
        # An all-reduce waits for the slower of the two.
        compute = statistics.median(map(max, *(each["rounds"] for each in apart)))
        together = processes(2, "rounds", 1, args.batch, args.rounds, joined=True)[0]
        found["foretold ms"].append(1e3 * Cost(compute, args.batch // 2, averages).seconds(2, link))
        found["measured ms"].append(1e3 * statistics.median(together["rounds"]))
        links.append(link)
    foretold, measured = (statistics.median(times) for times in found.values())
    return found | {
        "GB/s": [link.bandwidth / 1e9 for link in links],
        "µs a hop": [link.latency * 1e6 for link in links],
        "off by (bar 0.15)": abs(foretold - measured) / measured,
    }


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent))
    threads, batch, rounds, joined = map(int, numbers)
    work(what, threads, batch, rounds, bool(joined))
