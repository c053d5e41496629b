"""The structure of the package, read from its source: imports, sizes of folders, and names used twice.

Imports inside functions count. `sparring/__init__.py` is left out: it hands out the public names lazily.
"""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import sparring

ROOT = Path(sparring.__file__).parent

PACKAGES = (
    # The ground: no files, no training.
    "errors progress parallel rng schedules vjp game priors storage",
    # What a game is made of.
    "networks augment losses recipes",
    # Examples. Restoration degrades images, so `degrade` stands above `data` and reads its pixel formats.
    "data degrade games",
    "metrics modalities build models training privacy",
    # What is done with a trained model.
    "deploy explore sampling apply doctor",
    # The three faces.
    "api studio commands __main__",
)
"""Top-level packages and root modules, low to high: a module imports its own package and lower ones only."""

FOLDERS = {
    "data": "limits options points facts files layout dataset splits label_files cache image audio table sources "
    "named prepared load in_memory scan prepare",
    "networks": "layers",
    "training": "distributed feed loop tuning config journal checkpoint health report run profile session",
}
"""Sub-folders and modules of a package in the same order; what is not listed stands above."""

UPWARD: dict[tuple[str, str], str] = {}
"""Imports that still run upward, each with its reason."""

MOST_FILES = 16
MOST_FILES_AT_ROOT = 10
MANY_FILES = {"recipes/catalogue": "a file a paper", "networks": "a file an architecture"}

SHARED_NAMES = {
    "add": "every command adds its parser under this name",
    "train": "the command calls the function of the Python API",
    "resume": "likewise",
    "evaluate": "likewise",
    "compare": "likewise",
}
"""Public functions and classes that more than one module may define."""


def module_name(path: Path) -> str:
    """`games.gan` of games/gan.py, `data` of data/__init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name: path for path in sorted(ROOT.rglob("*.py")) if (name := module_name(path)) != "__init__"}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def imported(tree: ast.AST) -> set[str]:
    """Modules of the package that a tree imports; `from package import module` counts as the module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith("sparring."):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name.removeprefix("sparring.") in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("sparring.")}
    return {name.removeprefix("sparring.") for name in found} & MODULES.keys()


IMPORTS = {name: imported(tree) - {name} for name, tree in TREES.items()}


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Sets of more than one node that all import each other, directly or not."""

    def reachable(start: str) -> set[str]:
        seen, left = set(), [start]
        while left:
            for node in edges.get(left.pop(), set()) - seen:
                seen.add(node)
                left.append(node)
        return seen

    reach = {node: reachable(node) for node in edges}
    found = {frozenset(other for other in reach[a] if a in reach.get(other, ())) for a in edges if a in reach[a]}
    return [set(circle) for circle in found]


def grouped(key) -> dict[str, set[str]]:
    """Imports between groups of modules; `key` maps a module to its group, or to None."""
    edges: dict[str, set[str]] = defaultdict(set)
    for importer, others in IMPORTS.items():
        for other in others:
            a, b = key(importer), key(other)
            if a and b and a != b:
                edges[a].add(b)
    return edges


def package(name: str) -> str:
    return name.split(".")[0]


def test_files_import_without_circles():
    assert not circles(IMPORTS)


def test_packages_import_without_circles():
    assert not circles(grouped(package))


def test_packages_import_downward():
    order = " ".join(PACKAGES).split()
    rank = {name: i for i, name in enumerate(order)}
    assert not {package(name) for name in MODULES} - rank.keys(), "place new packages in PACKAGES"
    upward = {(a, b) for a, others in IMPORTS.items() for b in others if rank[package(a)] < rank[package(b)]}
    assert upward <= UPWARD.keys()


@pytest.mark.parametrize("folder", ["data", "metrics", "networks", "training"])
def test_folders_within_a_package_import_without_circles(folder):
    def sibling(name: str) -> str | None:
        parts = name.split(".")
        return parts[1] if parts[0] == folder and len(parts) > 1 else None

    edges = grouped(sibling)
    assert not circles(edges)
    rank = {name: i for i, name in enumerate(FOLDERS.get(folder, "").split())}
    for low, others in edges.items():
        assert all(rank.get(other, len(rank)) <= rank.get(low, len(rank)) for other in others), low


def test_folders_are_small():
    for folder in {path.parent for path in MODULES.values()}:
        count, name = len(list(folder.glob("*.py"))), folder.relative_to(ROOT).as_posix()
        assert name in MANY_FILES or count <= (MOST_FILES_AT_ROOT if name == "." else MOST_FILES), name


def defined(tree: ast.Module) -> set[str]:
    """Public functions and classes of a module."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def test_a_public_name_is_defined_once():
    homes: dict[str, set[str]] = defaultdict(set)
    for module, tree in TREES.items():
        for name in defined(tree):
            homes[name].add(module)
    twice = {name: places for name, places in homes.items() if len(places) > 1 and name not in SHARED_NAMES}
    assert not twice
