"""A run on two "nodes" whose connection is cut: launchers in two network namespaces (root), joined by a cable.

python tests/system/nodes.py [--cut 30] [--rounds 30] [--batch 64] [--folder DIR]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
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


def train(out: Path, args: argparse.Namespace) -> list[str]:
    images = str(args.batch * args.rounds)
    words = ["train", "dcgan", "--out", str(out), "--images", images, "--batch", str(args.batch)]
    return [*words, "--precision", "fp32", "--threads", "1"]


def launch(node: str, words: list[str]) -> subprocess.Popen:
    rank = str(list(NODES).index(node))
    place = ["--nnodes", "2", "--node-rank", rank, "--nproc-per-node", "1", "--master-addr", NODES["a"]]
    run = [sys.executable, "-m", "torch.distributed.run", *place, "--master-port", "29500", "-m", "sparring"]
    env = os.environ | {"GLOO_SOCKET_IFNAME": f"v{node}", "OMP_NUM_THREADS": "1"}
    command = ["ip", "netns", "exec", f"{PREFIX}{node}", *run, *words]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def played(out: Path, words: list[str], cut: float = 0.0) -> tuple[float, list[int], list[str]]:
    """Seconds, the launchers' exit codes, and what each said; the cable is cut once the run folder is there."""
    start = time.perf_counter()
    launchers = [launch(node, words) for node in NODES]
    if cut:
        while not (out / "run.json").exists() and all(each.poll() is None for each in launchers):
            time.sleep(0.2)
        time.sleep(2)
        ip(f"-n {PREFIX}a link set va down")
        time.sleep(cut)
        ip(f"-n {PREFIX}a link set va up")
    said = [each.communicate()[1] for each in launchers]
    return time.perf_counter() - start, [each.returncode for each in launchers], said


def same(one: Path, other: Path) -> bool:
    """Whether two runs ended in the same state, to the bit."""
    a, b = (load_file(max((out / "checkpoints").glob("*.safetensors"))) for out in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def reasons(said: list[str]) -> list[str]:
    """The program's own lines."""
    return [line for text in said for line in text.splitlines() if line.startswith("spar: ")]


def nodes(args: argparse.Namespace) -> dict:
    straight, cut, given_up = (args.folder / name for name in ("straight", "cut", "given-up"))
    cable()
    try:
        seconds, codes, _ = played(straight, train(straight, args))
        longer, codes_cut, _ = played(cut, train(cut, args), args.cut)
        short = str(args.cut / 3)
        _, codes_up, said = played(given_up, [*train(given_up, args), "--timeout", short], args.cut)
        _, codes_on, _ = played(given_up, ["resume", str(given_up)])
    finally:
        uncable()
    return {
        "seconds": seconds,
        f"seconds, cut for {args.cut:g} s": longer,
        "exit codes": codes + codes_cut,
        "same final state": same(cut, straight),
        f"with --timeout {short}: exit codes": codes_up,
        "what they said": reasons(said),
        "resumed: exit codes": codes_on,
        "resumed: same final state": same(given_up, straight),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=float, default=30.0, help="seconds without connection")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="holds the runs (default: a temporary one, deleted)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        args.folder = args.folder or Path(temporary)
        args.folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(nodes(args), indent=1))


if __name__ == "__main__":
    main()
