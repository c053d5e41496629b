"""Two "nodes": two launchers, each in a network namespace of its own, joined by a virtual cable that can be cut."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

NODES = {"a": "10.9.0.1", "b": "10.9.0.2"}
PREFIX = f"sparring{os.getpid()}"


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def cable() -> None:
    for node in NODES:
        ip(f"netns add {PREFIX}{node}")
    ip(f"link add va netns {PREFIX}a type veth peer name vb netns {PREFIX}b")
    for node, address in NODES.items():
        ip(f"-n {PREFIX}{node} addr add {address}/24 dev v{node}")
        for device in (f"v{node}", "lo"):
            ip(f"-n {PREFIX}{node} link set {device} up")


def uncable() -> None:
    for node in NODES:
        subprocess.run(["ip", "netns", "del", f"{PREFIX}{node}"], check=False)


def launch(node: str, out: Path, args: argparse.Namespace) -> subprocess.Popen:
    images = str(args.batch * args.rounds)
    train = ["-m", "sparring", "train", "dcgan", "--out", str(out), "--images", images, "--batch", str(args.batch)]
    rank = str(list(NODES).index(node))
    place = ["--nnodes", "2", "--node-rank", rank, "--nproc-per-node", "1", "--master-addr", NODES["a"]]
    run = [sys.executable, "-m", "torch.distributed.run", *place, "--master-port", "29500", *train]
    env = os.environ | {"GLOO_SOCKET_IFNAME": f"v{node}", "OMP_NUM_THREADS": "1"}
    command = ["ip", "netns", "exec", f"{PREFIX}{node}", *run, "--precision", "fp32", "--threads", "1"]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def played(out: Path, args: argparse.Namespace, cut: float) -> tuple[float, list[int]]:
    """Seconds, and the launchers' exit codes; the cable is cut once the run folder is there."""
    start = time.perf_counter()
    launchers = [launch(node, out, args) for node in NODES]
    if cut:
        while not (out / "run.json").exists() and all(each.poll() is None for each in launchers):
            time.sleep(0.2)
        time.sleep(2)
        ip(f"-n {PREFIX}a link set va down")
        time.sleep(cut)
        ip(f"-n {PREFIX}a link set va up")
    said = [each.communicate()[1] for each in launchers]
    codes = [each.returncode for each in launchers]
    if any(codes):
        print("\n".join(said), file=sys.stderr)
    return time.perf_counter() - start, codes


def final(out: Path) -> dict[str, torch.Tensor]:
    return load_file(max((out / "checkpoints").glob("*.safetensors")))


def nodes(args: argparse.Namespace) -> dict:
    cable()
    try:
        straight, codes = played(args.folder / "straight", args, 0.0)
        with_cut, codes_cut = played(args.folder / "cut", args, args.cut)
    finally:
        uncable()
    a, b = (final(args.folder / name) for name in ("straight", "cut"))
    return {
        "seconds": straight,
        f"seconds, cut for {args.cut:g} s": with_cut,
        "exit codes": codes + codes_cut,
        "same final state": all(torch.equal(a[name], b[name]) for name in a),
    }
