"""Imports go one way: no circle between files, no arrow back between rooms."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "vaetut"
LINE = (  # rooms and files at the top; each may import what stands before it
    ("vaetut",),
    ("atomic", "checks", "metrics", "signals"),
    ("formats",),
    ("datasets", "analysis"),
    ("models",),
    ("recipes",),
    ("training",),
    ("measures",),
    ("runs",),
    ("figures",),
    ("widgets", "claims"),
    ("commands",),
    ("__main__",),
)
PLACE = {room: k for k, rooms in enumerate(LINE) for room in rooms}
NEVER = {  # what stands before a room and is no affair of it all the same
    "measures": {"recipes", "training"},
    "figures": {"models", "recipes", "training", "measures", "runs"},
}
WITHOUT_KERAS = {
    "atomic",
    "checks",
    "metrics",
    "signals",
    "formats",
    "datasets",
    "analysis",
    "figures",
}
BACKENDS = {"keras", "tensorflow", "jax", "torch"}


def name_of(path):
    """Return the dotted name of a module, that of a package without `__init__`."""
    parts = ["vaetut", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(PACKAGE.glob("**/*.py"))}


def imported(tree):
    """Return the dotted names that a syntax tree imports, a module of ours as such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: import by the full name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in FILES else node.module


TREES = {name: ast.parse(path.read_text("utf8")) for name, path in FILES.items()}
IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}


def room_of(module):
    """Return the room of a module, or the name of a file that stands beside them."""
    return module.removeprefix("vaetut.").split(".")[0]


def test_every_room_has_its_place():
    assert {room_of(module) for module in FILES} == PLACE.keys()


@pytest.mark.parametrize("room", PLACE)
def test_imports_go_left_to_right(room):
    for module in (m for m in FILES if room_of(m) == room):
        for other in IMPORTS[module] & FILES.keys():
            there = room_of(other)
            arrow = f"{module} imports {other}"
            assert there == room or PLACE[there] < PLACE[room], arrow
            assert there not in NEVER.get(room, ()), arrow


def test_no_two_files_import_each_other():
    graph = {module: IMPORTS[module] & FILES.keys() for module in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_import_of_the_package_hides_in_a_function():
    """But for the command line, which must know the backend before Keras is there."""
    for module, tree in TREES.items():
        if room_of(module) in {"commands", "__main__"}:
            continue
        for node in ast.walk(tree):
            if is_function(node):
                hidden = set(imported(node)) & FILES.keys()
                assert not hidden, f"{module}.{node.name}: {hidden}"


@pytest.mark.parametrize("room", sorted(WITHOUT_KERAS))
def test_who_knows_no_keras_reaches_none(room):
    """Neither by an import of its own nor by one of those that it imports."""
    seen, left = set(), {m for m in FILES if room_of(m) == room}
    while left:
        module = left.pop()
        seen.add(module)
        for other in IMPORTS[module]:
            assert other.split(".")[0] not in BACKENDS, f"{module} imports {other}"
        left |= (IMPORTS[module] & FILES.keys()) - seen


def test_the_command_line_begins_without_keras():
    """Which backend Keras takes is asked of the command first."""
    seen, left = set(), {"vaetut.__main__"}
    while left:
        module = left.pop()
        seen.add(module)
        top = ast.Module([n for n in TREES[module].body if not is_function(n)], [])
        names = set(imported(top))
        assert not {name.split(".")[0] for name in names} & BACKENDS, module
        left |= (names & FILES.keys()) - seen
    assert "vaetut.commands" in seen


def is_function(node):
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
