"""Faces of nobody: drawn from known factors, with CelebA's 40 attributes.

The course's stand-in for CelebA, whose images may not be passed on.
"""

from vaetut.datasets.faces.attributes import ATTRIBUTE_NAMES, attributes_of
from vaetut.datasets.faces.factors import (
    FACTOR_NAMES,
    FACTORS,
    RANGES,
    draw_factors,
    with_factor,
)
from vaetut.datasets.faces.render import render_faces
from vaetut.datasets.faces.sets import SETS, SOURCE, load, make, make_faces, verify

__all__ = [
    "ATTRIBUTE_NAMES",
    "FACTORS",
    "FACTOR_NAMES",
    "RANGES",
    "SETS",
    "SOURCE",
    "attributes_of",
    "draw_factors",
    "load",
    "make",
    "make_faces",
    "render_faces",
    "verify",
    "with_factor",
]
