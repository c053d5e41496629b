"""Good files made bad, for `fuzz.py`."""

import json
import math

import numpy as np

TOKENS = [b"1e999", b"NaN", b"-1", b"0", b"\0", b'"', b"[" * 3000, b"{", b"9" * 20, b"../../x", b"\xff\xfe"]
VALUES = [0, -1, 1, 2**20, 2**63, 10**30, 0.5, -1e308, math.nan, math.inf, "", "x", "../../x", None, True, [], {}, [[]]]
EXTREMES = [b"\xff", b"\x00", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xff" * 8]


def damaged(good: bytes, g: np.random.Generator) -> bytes:
    """With one to four changes."""
    held = bytearray(good)
    for _ in range(g.integers(1, 5)):
        at = int(g.integers(0, max(len(held), 1)))
        length = int(g.integers(1, 64))
        match g.integers(0, 7):
            case 0:
                held[at : at + 1] = bytes([held[at] ^ (1 << int(g.integers(0, 8)))]) if held else b""
            case 1:
                del held[at:]
            case 2:
                del held[at : at + length]
            case 3:
                held[at:at] = held[at : at + length]
            case 4:
                extreme = EXTREMES[g.integers(0, len(EXTREMES))]
                held[at : at + len(extreme)] = extreme
            case 5:
                held[at:at] = g.bytes(length)
            case 6:
                token = TOKENS[g.integers(0, len(TOKENS))]
                held[at : at + int(g.integers(0, 8))] = token
    return bytes(held)


def misstated(good: bytes, g: np.random.Generator) -> bytes:
    """JSON with one or two of its values another."""
    held = json.loads(good)
    for _ in range(g.integers(1, 3)):
        here, path = held, None
        while isinstance(here, dict | list) and here:
            path = here, (list(here) if isinstance(here, dict) else range(len(here)))[int(g.integers(0, len(here)))]
            here = path[0][path[1]]
            if g.random() < 0.1:
                break
        if path:
            path[0][path[1]] = VALUES[g.integers(0, len(VALUES))]
    return json.dumps(held).encode()
