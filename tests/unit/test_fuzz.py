"""Every public function with strange arguments: finite numbers, or an error that helps.

The functions are found in the `__all__` of the packages that need no training. Each is
called with arguments that suit it, by their names, of which one or two are replaced by
what may come by mistake. It must return finite numbers, or raise ValueError or
DataError that names an argument. The draws of `hypothesis` are the same every time.
"""

import inspect
import math
import re
from collections.abc import Callable, Mapping
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import test_figures
import test_figures_faces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from vaetut import analysis, datasets, figures, recipes
from vaetut.atomic import DataError
from vaetut.datasets import Dataset, faces, polar

pytestmark = pytest.mark.attack("numbers")
PACKAGES = (analysis, datasets, polar, faces, recipes)
NOT_FUZZED = {  # they draw or check the stored sets, by a name
    datasets.load,
    *(polar.load, polar.make, polar.verify),
    *(faces.load, faces.make, faces.verify),
}
FUNCTIONS = {
    f"{package.__name__.removeprefix('vaetut.')}.{name}": getattr(package, name)
    for package in PACKAGES
    for name in package.__all__
    if inspect.isfunction(getattr(package, name))
    and getattr(package, name) not in NOT_FUZZED
}
INSTANCES = {  # whose methods are public functions, too
    "analysis.Estimate": analysis.mean_estimate([1.0, 2.0, 4.0]),
    "analysis.Estimate of a ratio": analysis.ratio_estimate([1, 2], [2, 2], True),
    "analysis.Share": analysis.Share(3, 9),
    "datasets.polar.Disc": polar.Disc(),
    "datasets.polar.Strip": polar.Strip(0.5, 1.5),
}
FUNCTIONS |= {
    f"{label}.{name}": getattr(instance, name)
    for label, instance in INSTANCES.items()
    for name in vars(type(instance))
    if inspect.isfunction(getattr(type(instance), name)) and name[0] != "_"
}
SLOW = {  # how many times fewer
    "analysis.embed": 3,
    "datasets.faces.make_faces": 3,
    "datasets.polar.fit_factors": 3,
}
MANY = 60  # examples a function
NAN_SAYS = {  # where nan is the answer, see their docstrings
    "analysis.balanced_accuracy": "truth is all yes or all no",
    "analysis.coordinate_statistics": "a coordinate is constant",
    "analysis.probe": "an attribute is constant",
    "datasets.polar.fit_factors": "an image is black",
}

FIGURES = test_figures.DRAWN | test_figures_faces.DRAWN
FEW = 5  # examples a figure
CALLED = {  # how messages call an argument whose name would say nothing to a reader
    "name": r"\bname\b|no (recipe|data set|polar set|factor|field)|takes",
    "text": r"\btext\b|seeds",
    "texts": r"\btexts\b|setting|no field|takes",
}

# ---- What suits a parameter, by its name: n rows of d numbers, k factors, images

N, D, K, SIDE = 24, 3, 2, 16


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def uniform(*shape):
    return np.random.default_rng(sum(shape)).random(shape)


def strokes(*shape):
    return (uniform(*shape) > 0.9).astype(np.float32)


def smooth(codes):
    """Decode codes (n, d) to logits (n, h, w, 1)."""
    waves = np.linspace(0, 3, SIDE * SIDE).reshape(1, SIDE, SIDE, 1)
    return np.sin(np.asarray(codes).sum(1).reshape(-1, 1, 1, 1) + waves)


def plane():
    """Points of the plane of a and b."""
    return uniform(N, 2) * [1.4, 1.9] + [0.55, 0.05]


ROWS = dict.fromkeys(
    "codes means mean z samples queries references points path fake real".split(),
    normal(N, D),
)
IMAGES = dict.fromkeys(
    "images others train train_images".split(), strokes(N, SIDE, SIDE, 1)
)
GOOD = {
    **ROWS,
    **IMAGES,
    "test_codes": normal(N, D),
    "log_var": normal(N, D) - 1,
    "log_w": normal(N, 5),
    "logits": normal(N, SIDE, SIDE, 1),
    "factors": plane(),
    "train_factors": plane(),
    "found": plane(),
    "at": plane()[:5],
    "ranges": ((0.5, 2.0), (0.0, 2.0)),
    "attributes": uniform(N, K) > 0.5,
    "test_attributes": uniform(N, K) > 0.4,
    "truth": uniform(N, K) > 0.5,
    "said": uniform(N, K) > 0.4,
    "labels": np.arange(N) % 3,
    "shares": np.array([0.5, 0.3, 0.2]),
    "distance": normal(N),
    "values": normal(N),
    "p_values": [0.01, 0.2, 0.03],
    "null": normal(N),
    "a": 1.0 + uniform(N),
    "b": 1.0 + uniform(N, 1)[:, 0],
    "theta": normal(N),
    "tangents": normal(N, K, D),
    "matrices": [normal(4, 6), normal(4, 7)],
    "start": np.array([0.6, 0.1]),
    "end": np.array([1.9, 1.7]),
    "a_range": (0.5, 2.0),
    "b_range": (0.0, 2.0),
    "ks": [1, 3],
    "angles": np.linspace(0, 90, 4),
    "metric": None,
    "graph": analysis.neighbour_graph(normal(N, D), 4),
    "decode": smooth,
    "decode_logits": smooth,
    "mapping": lambda points: np.column_stack([points, points.sum(1)]),
    "score": lambda codes: float(np.square(codes).sum()),
    "seed": 0,
    "n": 5,
    "d": 3,
    "k": 4,
    "count": 5,
    "lines": 3,
    "rows": 3,
    "cols": 3,
    "side": 4,
    "size": SIDE,
    "cells": 16,
    "bins": 2,
    "batch": 4,
    "votes": 10,
    "trees": 3,
    "draws": 50,
    "steps": 2,
    "iterations": 2,
    "knots": 20,
    "neighbors": 8,
    "components": 2,
    "perplexity": 5.0,
    "n_classes": 3,
    "n_samples": 1,
    "workers": 1,
    "value": 0.3,
    "values_": 0.5,
    "beta": 0.5,
    "paired": False,
    "bound": 0.4,
    "exclude_self": False,
    "logarithm": False,
    "name": "fashion-mnist",
    "hole": "disc",
    "split": "train",
    "canvas": "square",
    "scale": "smoke",
    "text": "0-2,5",
    "texts": ["beta=0.5,1", "epochs=2"],
    "recipe": recipes.get_recipe("fashion-vae", "smoke"),
}
FACES = {"factors": faces.draw_factors(2), "name": "smile", "values": 0.5}
SUITS = {  # functions that take something else under a name
    "analysis.best_codes": {"start": normal(N, 2, D)},
    "analysis.log_importance_weights": {
        "images": strokes(N, 4, 4, 1),
        "logits": normal(N, 5, 4, 4, 1),
        "z": normal(N, 5, D),
    },
    "analysis.embed": {"iterations": 250},
    "analysis.pullback_metric": {"decode": smooth},
    "analysis.dci": {"held_out": 0.45},
    "analysis.frechet_distance": {"a": normal(N, D), "b": normal(N, D) + 1},
    "analysis.rotation_curve": {"codes": normal(N, 2)},
    "analysis.graph_path": {"start": 0, "end": 5},
    "analysis.density_area": {"codes": normal(N, 2)},
    "analysis.class_areas": {"codes": normal(N, 2)},
    "analysis.geodesic": {"path": analysis.straight([0.0, 0, 0], [1.0, 1, 0.5], 5)},
    "analysis.sheet_statistics": {"k": 8},
    "analysis.tangents": {"points": plane()[:5]},
    "analysis.hierarchical_interval": {"values": [normal(6), normal(5)]},
    "analysis.prior_grid": {"d": 2, "eps": 0.1},
    "datasets.polar.image_shape": {"name": "polar-64"},
    "datasets.polar.make_polar": {"n": 20},
    "datasets.faces.make_faces": {"n": 2},
    "datasets.faces.render_faces": FACES,
    "datasets.faces.attributes_of": FACES,
    "datasets.faces.with_factor": FACES,
    "recipes.get_recipe": {"name": "fashion-vae+beta=0.5"},
    "recipes.sweep_name": {"beta": 0.5},
}


def suits(label, function):
    """Return arguments of a function by their names, all of which suit it."""
    own = GOOD | SUITS.get(label, {})
    arguments = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in own:
            arguments[name] = own[name]
        elif parameter.default is not parameter.empty:
            arguments[name] = parameter.default
        elif parameter.kind is not parameter.VAR_KEYWORD:
            raise KeyError(f"{label}: say what suits {name}, in GOOD or SUITS")
    return arguments


# ---- What may come instead


def with_one(value):
    def change(array):
        array = np.array(array, float)
        array.flat[array.size // 2] = value
        return array

    return change


SPOILED: dict[str, Callable] = {  # arrays
    "as lists": lambda a: np.asarray(a).tolist(),
    "tiny": lambda a: np.asarray(a) * 1e-160,
    "small": lambda a: np.asarray(a) * 1e-30,
    "large": lambda a: np.asarray(a) * 1e14,
    "too large": lambda a: np.asarray(a) * 1e160,
    "far away": lambda a: np.asarray(a) + 1e14,
    "two hundred": lambda a: np.full(np.shape(a), 200.0),
    "less two hundred": lambda a: np.full(np.shape(a), -200.0),
    "constant": lambda a: np.full(np.shape(a), 0.25),
    "zero": lambda a: np.zeros(np.shape(a)),
    "one tiny": with_one(1e-160),
    "one large": with_one(1e15),
    "one too large": with_one(-1e300),
    "one NaN": with_one(np.nan),
    "one infinite": with_one(-np.inf),
    "masked": lambda a: np.ma.masked_greater(np.asarray(a, float), 0.1),
    "float32": lambda a: np.asarray(a, np.float32),
    "float16": lambda a: np.asarray(a, np.float16),
    "whole": lambda a: np.asarray(a).astype(int),
    "uint8": lambda a: np.asarray(a).astype(np.int64).astype(np.uint8),
    "complex": lambda a: np.asarray(a) + 1j,
    "text": lambda a: np.asarray(a).astype(str),
    "objects": lambda a: np.full(np.shape(a), None),
    "empty": lambda a: np.asarray(a)[:0],
    "one row": lambda a: np.asarray(a)[:1],
    "two rows": lambda a: np.asarray(a)[:2],
    "one column": lambda a: np.asarray(a)[..., :1],
    "no column": lambda a: np.asarray(a)[..., :0],
    "flat": lambda a: np.ravel(a),
    "deeper": lambda a: np.asarray(a)[None],
    "turned": lambda a: np.asarray(a).T,
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "repeated": lambda a: np.repeat(np.asarray(a)[:2], len(a), 0)[: len(a)],
}
SINGLE = {  # anything else
    "none": None,
    "true": True,
    "zero": 0,
    "one": 1,
    "negative": -1,
    "half": 0.5,
    "huge": 10**12,
    "digits": 10**400,
    "nan": math.nan,
    "infinity": math.inf,
    "tiny": 1e-160,
    "small": 1e-30,
    "too large": 1e160,
    "nearly one": 1 - 1e-16,
    "word": "nowhere",
    "empty word": "",
    "odd word": "a\0b\n,=+x",
    "list": [1, 2],
    "nothing": [],
    "table": {"a": 1},
    "array": np.ones((2, 2)),
    "returns nan": lambda *_: np.full((2, 2), np.nan),
    "returns none": lambda *_: None,
}


def instead(value):
    """Return what may come instead of a value, by its kind: name -> what."""
    single = {name: (lambda _, s=s: s) for name, s in SINGLE.items()}
    if isinstance(value, (np.ndarray, list, tuple)):
        return SPOILED | {f"single {k}": v for k, v in single.items()}
    return single


# ---- What must come out


def check_finite(found, where="the result"):
    """Raise AssertionError unless all numbers of a result are finite."""
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, Dataset):
        found = [found.factors] if found.factors is not None else []
    if sparse.issparse(found):
        found = found.data
    if isinstance(found, (tuple, list)):
        for k, part in enumerate(found):
            check_finite(part, f"{where}[{k}]")
    elif isinstance(found, (float, np.ndarray, np.number)):
        array = np.asarray(found)
        assert array.dtype.kind in "biuf", where
        assert np.isfinite(array).all(), f"{where} is {found}"


def check_call(label, function, arguments):
    """Call a function: its result is finite, or its error names an argument."""
    try:
        found = function(**arguments)
        if label == "analysis.sheet_map":
            found = found(plane()[:2])
    except (ValueError, DataError) as error:
        text = str(error)
        named = any(
            re.search(CALLED.get(name, rf"\b{name}\b"), text) for name in arguments
        )
        assert named, text
    else:
        if label not in NAN_SAYS:
            check_finite(found)


@st.composite
def spoiled_arguments(draw, label):
    """Arguments of a function, one or two of them not what they should be."""
    arguments = suits(label, FUNCTIONS[label])
    some = st.lists(
        st.sampled_from(list(arguments)), min_size=1, max_size=2, unique=True
    )
    for name in draw(some):
        kinds = instead(arguments[name])
        try:
            arguments[name] = kinds[draw(st.sampled_from(list(kinds)))](arguments[name])
        except (TypeError, ValueError, OverflowError):
            continue  # of what was spoiled before, that cannot be made
    return arguments


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("label", FUNCTIONS)
def test_what_does_not_suit_gives_finite_numbers_or_an_error_that_names_it(label):
    @settings(
        max_examples=MANY // SLOW.get(label, 1),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled_arguments(label))
    def call(arguments):
        check_call(label, FUNCTIONS[label], arguments)

    call()


@pytest.mark.parametrize("label", FUNCTIONS)
def test_what_suits_a_function_gives_finite_numbers(label):
    function = FUNCTIONS[label]
    check_finite(function(**suits(label, function)))


# ---- Figures: what tests of them draw, with one part spoiled


def drawn(name):
    """Return the function that a line of the tests' tables calls, and its arguments."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for public in figures.__all__:
            function = getattr(figures, public)
            if inspect.isfunction(function):
                patch.setattr(figures, public, partial(note, found, function))
        FIGURES[name]()
    return found[0]


def note(found, function, *args, **options):
    bound = inspect.signature(function).bind(*args, **options)
    found.append((function, dict(bound.arguments)))


def parts(value, path=()):
    """Yield the paths to a value and to all that lies in it."""
    yield path
    if isinstance(value, Mapping):
        for key in value:
            yield from parts(value[key], (*path, key))
    elif isinstance(value, (tuple, list)):
        for k, part in enumerate(value):
            yield from parts(part, (*path, k))


def changed(value, path, change):
    """Return a value with what lies at the end of a path changed."""
    if not path:
        return change(value)
    key, *rest = path
    if isinstance(value, Mapping):
        return {**value, key: changed(value[key], rest, change)}
    return [changed(v, rest, change) if k == key else v for k, v in enumerate(value)]


@st.composite
def spoiled_figure(draw, name):
    function, arguments = drawn(name)
    path = draw(st.sampled_from([p for p in parts(arguments) if p]))
    value = arguments
    for key in path:
        value = value[key]
    kinds = instead(value)
    change = kinds[draw(st.sampled_from(list(kinds)))]
    try:
        return function, changed(arguments, path, change)
    except (TypeError, ValueError, OverflowError, IndexError):
        return function, changed(arguments, path, lambda _: None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_or_says_what_cannot_be(name):
    @settings(
        max_examples=FEW,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled_figure(name))
    def call(case):
        function, arguments = case
        said = ""
        try:
            function(**arguments)
        except ValueError as error:
            said = str(error)
        plt.close("all")
        assert not said or any(name in said for name in arguments), said

    call()
