"""What chapter 07 defines is what the library does."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest

from vaetut import analysis
from vaetut.datasets import polar

RNG = np.random.default_rng(0)
CHAPTER = Path(__file__).parents[2] / "book" / "07-polar-dataset.ipynb"


@pytest.fixture(scope="module")
def taught():
    cells = json.loads(CHAPTER.read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = (ast.FunctionDef, ast.ImportFrom)
    body = [
        node
        for node in ast.parse(code).body
        if isinstance(node, kept) and "vaetut" not in getattr(node, "module", "")
    ]
    names = {"np": np, "analysis": analysis}
    exec(compile(ast.Module(body, []), CHAPTER.name, "exec"), names)
    return names


def test_the_chapters_curve_and_points_are_the_librarys(taught):
    points = taught["sample"](50, seed=3)
    np.testing.assert_array_equal(points, polar.sample(50, seed=3))
    kept = taught["outside"](points, (1.25, 1.0), 0.3)
    np.testing.assert_array_equal(kept, polar.outside(points))
    own, library = taught["contour"](1.1, 1.7), polar.contour(1.1, 1.7)
    np.testing.assert_allclose(own, library, atol=1e-12)
    np.testing.assert_allclose(
        taught["weight"](points), polar.weights(points), atol=1e-12
    )


@pytest.mark.parametrize("factors", [(1.25, 0.4), (0.8, 1.6)])
def test_the_chapters_stroke_is_the_renderers(taught, factors):
    own = taught["stroke"](*factors)
    library = polar.draw([factors])[0, ..., 0] / 255
    assert ((own - library) ** 2).mean() < 2e-4
    assert own.mean() == pytest.approx(library.mean(), rel=0.02)


def test_the_chapters_measures_are_the_librarys(taught):
    image = polar.draw([[1.0, 0.5]], 64) / 255
    own = taught["entropy"](image[0]).sum()
    assert own == pytest.approx(analysis.bernoulli_entropy(image)[0], rel=1e-4)
    cloud = RNG.normal(size=(400, 3))
    expected = analysis.two_nearest_dimension(cloud)
    assert taught["dimension"](cloud) == pytest.approx(expected)
