"""Imports go one way, and the leaves know no Keras."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "vaetut"
ALLOWED = {
    "datasets": set(),
    "analysis": set(),
    "models": {"datasets", "analysis"},
    "training": {"datasets", "analysis", "models"},
    "figures": {"datasets", "analysis", "models", "training"},
    "widgets": {"datasets", "analysis", "models", "training", "figures"},
}
WITHOUT_KERAS = {"datasets", "analysis", "figures"}


def imported(path):
    """Return the dotted names that a file imports, at its top or within functions."""
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by the full name"
            yield node.module
            if node.module == "vaetut":
                yield from (f"vaetut.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_go_left_to_right(part):
    files = list((PACKAGE / part).glob("**/*.py"))
    assert files
    for path in files:
        for name in imported(path):
            head, *rest = name.split(".")
            if head == "vaetut" and rest and rest[0] in ALLOWED:
                assert rest[0] in ALLOWED[part] | {part}, f"{path.name}: {name}"
            if part in WITHOUT_KERAS:
                assert head not in {"keras", "tensorflow", "jax", "torch"}, path.name


def test_every_part_of_the_package_has_its_place():
    parts = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert parts == set(ALLOWED)
