"""The file or folder in a SPEC: `pics/`, `pics/+edges`, `hf:pics/`."""

import os

from sparring.data.image.edges import EDGES_SUFFIX, strip_edges_suffix
from sparring.data.named import NAMED
from sparring.data.sources.hub import PREFIX


def spec_path(spec: str) -> str | None:
    """The path in a SPEC; None for a named data set and one of the Hugging Face hub."""
    prefix, bare, _ = _parts(spec)
    if bare in NAMED or (prefix and not os.path.exists(os.path.expanduser(bare))):
        return None
    return bare


def with_path(spec: str, path: str) -> str:
    """The SPEC with another path."""
    prefix, _, suffix = _parts(spec)
    return f"{prefix}{path}{suffix}"


def _parts(spec: str) -> tuple[str, str, str]:
    """Prefix, path or name, and suffix; they join to the SPEC."""
    prefix = PREFIX if spec.startswith(PREFIX) else ""
    bare = strip_edges_suffix(spec) or spec
    return prefix, bare.removeprefix(prefix), EDGES_SUFFIX if bare != spec else ""
