"""The widgets of the course, each declared once for both contracts that it keeps.

`tests/unit/test_widget_contract.py` asks all of them what needs no browser, and
`tests/browser/test_widget_contract.py` what does. What is a widget's alone has a file
of its own beside those, with the same makers.
"""

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from vaetut import widgets
from vaetut.datasets import polar

# ---- Images and codes that several are made of


def on_sheet(factors, noise=0.0):
    """Return codes on a saddle that lies askew in latent space, (n, 3)."""
    a, b = np.transpose(factors)
    height = 0.5 * (a - 1.25) ** 2 - 0.3 * (b - 1) ** 2
    codes = np.stack([a - 1.25, 0.8 * (b - 1), height], axis=1)
    codes += noise * np.random.default_rng(1).normal(size=codes.shape)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    return codes @ turn + [0.3, -0.2, 1.0]


def lattice(k, na=5, nb=7, d=3):
    """Return codes (na, nb, d) of a bent sheet, of another size for each k."""
    sides = np.linspace(-1, 1, na), np.linspace(-1, 1, nb)
    a, b = np.meshgrid(*sides, indexing="ij")
    codes = np.stack([a, b, 0.4 * a * a - 0.3 * b], axis=2)[..., :d]
    turn = np.linalg.qr(np.random.default_rng(k).normal(size=(d, d)))[0]
    return (1 + k) * codes @ turn + 0.5


def draw_faces(n, smile=0.0, seed=0, size=48):
    """Return simple faces, uint8 (n, size, size, 3): what they are is to be seen."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    images = np.empty((n, size, size, 3))
    for image in images:
        ground = rng.uniform(0, 1, 3)
        skin = rng.uniform(0.4, 0.9) * np.array([1, 0.8, 0.7])
        image[:] = ground * (1 - 0.2 * y[..., None])
        image[(x / 0.6) ** 2 + (y / 0.8) ** 2 < 1] = skin
        for side in (-0.25, 0.25):
            image[(x - side) ** 2 + (y + 0.2) ** 2 < 0.006] = 0.1
        mouth = abs(y - 0.42 + 0.25 * smile * (x**2 - 0.04)) < 0.035
        image[mouth & (abs(x) < 0.28)] = [0.6, 0.1, 0.1]
    return np.rint(255 * images).astype(np.uint8)


def random_weights(model, scale=0.15, seed=0):
    """Return the model with weights that float16 holds and images that vary."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.normal(scale=scale, size=weight.shape)
        if "variance" in weight.path:
            values = np.abs(values) + 0.5
        weight.assign(values.astype(np.float16).astype(np.float32))
    return model


@cache
def face_decoder(seed, normalization=True):
    """Return an untrained decoder of faces whose images vary, as after a training."""
    import keras

    from vaetut.models.faces import faces_decoder

    keras.utils.set_random_seed(seed)
    filters = (16, 32, 64, 128)  # the laptop's
    shape = (FACE, FACE, 3)
    model = faces_decoder(shape, DIMENSIONS, filters, normalization=normalization)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = np.asarray(weight)
        if "variance" in weight.path or "gamma" in weight.path:
            values = values * rng.uniform(0.5, 1.5, values.shape)
        elif "beta" in weight.path or "mean" in weight.path or "bias" in weight.path:
            values = rng.normal(scale=0.1, size=values.shape)
        weight.assign(np.asarray(values, np.float16).astype(np.float32))
    logits = np.asarray(model(rng.normal(size=(FACES, DIMENSIONS))))
    last = model.get_layer("logits").kernel
    last.assign(np.float16(last * 1.5 / logits.std()).astype(np.float32))
    return model


# ---- The makers: a widget with all that it can show

PLANE_NAMES = ("north", "south", "north-east", "south-east")


@cache
def plane_codes():
    """Return codes (400, 2) of four classes, and their labels."""
    codes = np.random.default_rng(0).normal(size=(400, 2)) * [1, 0.6] + [0, 0.3]
    labels = (np.arctan2(*codes.T) > 0).astype(int) + 2 * (codes[:, 0] > 0.5)
    return codes, labels


@cache
def plane_decoder():
    """Return a decoder of 32 × 32 grey images with two dimensions, the course's."""
    from vaetut.models import conv_decoder

    return random_weights(conv_decoder((32, 32, 1), 2))


def make_latent(names=PLANE_NAMES, **options):
    codes, labels = plane_codes()
    pool = np.random.default_rng(1).integers(0, 255, (50, 32, 32, 1), np.uint8)
    clouds = {"labels": labels, "class_names": names, "nearest": (pool, codes[:50])}
    options = clouds | {"limits": 3} | options
    return widgets.LatentExplorer(plane_decoder(), codes, **options)


POINTS = polar.sample(5000, seed=0)


@cache
def small_vae():
    """Return a VAE of 32 × 32 grey images, the course's, whose answers vary."""
    from vaetut.models import VAE, conv_encoder

    encoder = conv_encoder((32, 32, 1), 2, heads=("mean", "log_var"))
    model = VAE(random_weights(encoder, 0.06, seed=4), plane_decoder(), beta=2.0)
    model.encoder.get_layer("log_var").bias.assign([-3.0, -2.0])
    return model


DRAWN = ("a face", "another", "a third", "</b> & more")


def make_draw(names=DRAWN, model=None, **options):
    codes, labels = plane_codes()
    model = model or small_vae()
    pictures = draw_faces(len(names), size=32)[..., :1]
    options = {"examples": pictures} | options
    return widgets.DrawExplorer(
        model, codes, labels, PLANE_NAMES, names=names, **options
    )


def make_polar(**options):
    return widgets.PolarExplorer(POINTS, **options)


def make_transect3d(name, k=15, size=64):
    """Return one of the course's transects, with images a model might make."""
    from vaetut.widgets.sheet_explorer import Transect3D

    line = polar.transect(*polar.TRANSECTS[name], k)
    truth = polar.draw(line, size)
    made = (truth // 2 + np.roll(truth, 1, axis=1) // 3 + 8).astype(np.uint8)
    inside = polar.in_hole(line)
    return Transect3D(name, on_sheet(line), line, truth, made, inside)


@cache
def star_vae():
    """Return a VAE of stars at 32 × 32, with three units and a constant σ."""
    from vaetut.models import VAE, conv_decoder, conv_encoder

    encoder = random_weights(conv_encoder((32, 32, 1), 3, (4, 8)), 0.2, seed=1)
    decoder = random_weights(conv_decoder((32, 32, 1), 3, (4, 8)), 0.3, seed=2)
    return VAE(encoder, decoder, posterior_sd=0.1)


def make_star(model=None, **options):
    outside = POINTS[polar.outside(POINTS)]
    return widgets.StarExplorer(model or star_vae(), outside[:1000], **options)


def make_sheet(**options):
    """Return a sheet of 4,299 codes with its three transects."""
    factors = polar.sample(2 * 4299, 0)
    factors = factors[polar.outside(factors)][:4299]
    angle = np.linspace(0, 2 * np.pi, 90)
    hole = 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + [1.25, 1]
    ends = [((0.5, b), (2, b)) for b in np.linspace(0, 2, 9)]
    options = {
        "transects": [make_transect3d(name) for name in polar.TRANSECTS],
        "edges": {"edge of the hole": on_sheet(hole)},
        "grid": [on_sheet(np.linspace(p, q, 40)) for p, q in ends],
    } | options
    return widgets.SheetExplorer(on_sheet(factors, 0.01), factors, **options)


METRICS = ("IoU", "excess BCE (nats)")


@cache
def transect_walks():
    """Return P1 to P3 of stars, with noise as answers and another star as nearest."""
    from vaetut.widgets.transect_explorer import Walk

    rng = np.random.default_rng(0)
    walks = []
    for name, ends in polar.TRANSECTS.items():
        factors = polar.transect(*ends, 11)
        truth = polar.draw(factors, 64)
        noise = rng.integers(0, 256, truth.shape, np.uint8)
        nearest = polar.draw(np.clip(factors + 0.1, [0.5, 0], 2), 64)
        iou, other = rng.uniform(0.3, 0.8, (2, 11))
        errors = {METRICS[0]: (iou, iou - 0.11, iou + 0.07), METRICS[1]: 431 * iou}
        others = {METRICS[0]: other, METRICS[1]: 431 * other}
        inside = polar.in_hole(factors)
        walks.append(Walk(name, factors, truth, noise, nearest, errors, inside, others))
    return walks


def make_transects(**options):
    options = {"interval": "over seeds"} | options
    return widgets.TransectExplorer(transect_walks(), **options)


@cache
def clouds():
    """Return the course's clouds of two units, and one that looks trained."""
    from vaetut.widgets.rotation_explorer import example_clouds

    few = np.random.default_rng(0).normal(size=(200, 2)) * [2, 1] + [0.3, -1]
    return example_clouds() | {"trained codes": few}


def make_rotation(**options):
    return widgets.RotationExplorer(clouds(), **options)


GAMMAS = ("−4.1", "0", "41", "410")


def make_gamma(**options):
    scores = {
        label: {
            "alignment": (0.3 + k / 10, 0.2 + k / 10, 0.4 + k / 10),
            "angle (°)": (30 - k, 20 - k, 40 - k),
        }
        for k, label in enumerate(GAMMAS)
    }
    embeddings = {label: lattice(k) for k, label in enumerate(GAMMAS)}
    options = {"scores": scores, "reference": {"alignment": 0.35}} | options
    return widgets.GammaExplorer(embeddings, **options)


WAYS = ("straight", "along the sheet", "nearest neighbours")
PAIRS = {"small to large": ((0.6, 0.2), (1.9, 1.8)), "b alone": ((1, 0.1), (1, 1.9))}


@cache
def pair_of_walks(name):
    """Return walks between two stars that leave the straight line, each elsewhere."""
    from vaetut.widgets.walk_explorer import PairOfWalks

    steps = np.linspace(0, 1, 11)[:, None]
    start, end = map(np.array, PAIRS[name])
    intended = start + steps * (end - start)
    factors, images, errors = {}, {}, {}
    for k, way in enumerate(WAYS):
        bend = np.sin(np.pi * steps) * [0.3 - 0.2 * k, -0.25 * k]
        factors[way] = np.clip(intended + bend, [0.5, 0], 2)
        drawn = polar.draw(factors[way], 48).astype(float)
        images[way] = gaussian_filter(drawn, (0, 0.7, 0.7, 0)) / 255
        errors[way] = np.linalg.norm(factors[way] - intended, axis=1)
    truth = polar.draw(intended, 48)
    return PairOfWalks(name, images, truth, errors, factors, intended)


def make_walks(**options):
    return widgets.WalkExplorer([pair_of_walks(name) for name in PAIRS], **options)


FACE, DIMENSIONS, FACES, STEPS = 48, 256, 8, 5
ATTRIBUTES = ("Smiling", "Hair length", "Age", "Eyeglasses", "Turned", "Light")


def make_face(names=ATTRIBUTES, **options):
    rng = np.random.default_rng(1)
    smiles = [draw_faces(FACES, a) for a in np.linspace(-2, 2, STEPS)]
    truth = np.stack(smiles, axis=1)
    pictures = {
        "thumbnails": draw_faces(FACES),
        "truths": {names[0]: truth, names[1]: truth[:, ::2]},
    }
    return widgets.FaceExplorer(
        face_decoder(1),
        rng.normal(size=(FACES, DIMENSIONS)),
        0.3 * rng.normal(size=(len(names), DIMENSIONS)),
        names,
        **pictures | options,
    )


def make_radius(names=("AE", "VAE"), **options):
    rng = np.random.default_rng(2)
    models = face_decoder(2, normalization=False), face_decoder(1)
    lengths = rng.normal(30, 4, 999), rng.normal(6, 1, 999)
    options = {"radii": dict(zip(names, lengths, strict=True))} | options
    decoders = dict(zip(names, models, strict=True))
    return widgets.RadiusExplorer(decoders, **options)


BETAS = ("0", "0.01", "0.1", "1", "10")


def make_beta(names=BETAS, **options):
    from vaetut.widgets.beta_explorer import Strength

    rng = np.random.default_rng(3)
    rows = [
        Strength(
            name,
            draw_faces(FACES, k / 2),
            draw_faces(FACES, 2 - k, seed=9),
            np.histogram(rng.normal(30 / (k + 1), 2, 999), 100, (0, 50))[0],
            {"KL": f"{30 * k} nats", "reconstruction": f"{3000 + k} nats"},
        )
        for k, name in enumerate(names)
    ]
    options = {"originals": draw_faces(FACES), "dimension": DIMENSIONS} | options
    return widgets.BetaExplorer(rows, **options)


UNITS = (  # of images of 32 × 32 and codes of two dimensions
    "nats per image: sum BCE, sum KL",
    "500 · mean BCE, sum KL",
    "mean BCE, sum KL",
    "mean BCE, mean KL",
)
EPOCHS = 5
HISTORIES = {
    name: {
        "beta": beta,
        "reconstruction": [300 + 9 * beta - 9 * k for k in range(EPOCHS)],
        "kl": [kl + 0.4 * k for k in range(EPOCHS)],
        "loss": [1] * EPOCHS,  # left out
    }
    for name, beta, kl in [("0", 0, 12), ("2.05", 2.048, 4), ("128", 128, 0.01)]
}


def make_losses(**options):
    return widgets.LossLedger(HISTORIES, **{"run": "2.05"} | options)


def make_live(**options):
    return widgets.LiveTrainer(**{"steps": 200} | options)


def make_parameters(**options):
    return widgets.ParameterLedger(**options)


# ---- The table


@dataclass(frozen=True)
class Widget:
    """What both contracts know of a widget.

    A key on its main control changes one of its traits, where it has any, and what
    `seen` finds: from what the kernel sets it to, to what is saved then.
    """

    name: str  # as vaetut.widgets has it
    make: Callable  # options → the widget
    kind: str  # the class of its root
    ready: str  # what its root matches once all is drawn
    control: str  # the main one
    key: str  # that moves it
    seen: str  # what a move changes
    heard: str  # what a screen reader is told after the key
    pointer: str  # what a mouse drags
    lines: str = ""  # that must stand out from the page's ground
    finger: str = ""  # what a tap moves, where that is not what a mouse drags
    gestures: dict = field(default_factory=dict)  # selector → what it leaves the page
    start: dict = field(default_factory=dict)  # where its traits are
    moved: dict = field(default_factory=dict)  # where else they may be
    trait: str = ""
    kernel: object = None
    saved: object = None
    refused: tuple = ()  # (trait, value, words of the mend)
    named: Callable | None = None  # a text → the widget with that for a name in it
    decoded: str = ""  # the canvases of a decoded frame's images
    keras: bool = False  # whether it needs Keras
    engine: bool = False  # whether its view computes in Jupyter, too
    page: int = 150_000  # characters of its page that are its own, at most

    def __str__(self):
        return self.name


WIDGETS = [
    Widget(
        "LatentExplorer",
        make_latent,
        kind="vaetut-widget",
        ready="[data-frame][aria-busy=false]",
        control=".ve-pad",
        key="ArrowLeft",
        seen=".ve-out canvas",
        heard=r"^z = \(.*nearest code: ",
        pointer=".ve-pad",
        gestures={".ve-pad": "none"},
        named=lambda text: make_latent(names=(text, *PLANE_NAMES[1:])),
        decoded=".ve-out canvas",
        keras=True,
        page=800_000,
    ),
    Widget(
        "PolarExplorer",
        make_polar,
        kind="vaetut-polar",
        ready="[data-live]",
        control=".vp-pad",
        key="ArrowRight",
        seen="canvas",
        heard="a 1.42, b 1.15. No. It lies in the hole, 0.23 from its centre",
        pointer=".vp-pad",
        gestures={".vp-pad": "none"},
        start={"a": 1.4, "b": 1.15, "radius": 0.3},
        moved={"a": 2, "b": 0.25, "radius": 0.1},
        trait="a",
        kernel=0.618,
        saved=0.64,
        refused=(
            ("a", 0.49, "give a number from 0.5 to 2"),
            ("a", 2.01, "give a number from 0.5 to 2"),
            ("a", np.nan, "give a number from 0.5 to 2"),
            ("b", -0.01, "give a number from 0 to 2"),
            ("b", "1", "give a number from 0 to 2"),
            ("b", None, "give a number from 0 to 2"),
            ("radius", 0.05, "give a number from 0.1 to 0.7"),
            ("radius", np.inf, "give a number from 0.1 to 0.7"),
        ),
        page=60_000,
    ),
    Widget(
        "SheetExplorer",
        make_sheet,
        kind="vaetut-sheet",
        ready="[data-azimuth]",
        control=".vs-pad",
        key="ArrowRight",
        seen=".vs-pad",
        heard="^P1, point 8 of 15",
        pointer=".vs-pad",
        finger="input[type=range]",
        gestures={".vs-pad": "pan-y"},
        lines=".vs-path, .vs-hole",
        start={"transect": "P1", "index": 7, "azimuth": -25, "elevation": 45},
        moved={"transect": "P3", "index": 3, "azimuth": 180, "elevation": 90},
        trait="azimuth",
        kernel=12.5,
        saved=17.5,
        refused=(
            ("transect", "P4", "choose one of 'P1', 'P2', 'P3'"),
            ("transect", None, "choose one of"),
            ("index", -1, "give a whole number from 0 to 14"),
            ("index", 15, "give a whole number from 0 to 14"),
            ("index", 1.5, "give a whole number"),
            ("azimuth", 181, "give a number from -180 to 180"),
            ("elevation", np.nan, "give a number from -90 to 90"),
        ),
        named=lambda text: make_sheet(edges={text: on_sheet([[1, 1], [1, 2]])}),
        page=200_000,
    ),
    Widget(
        "TransectExplorer",
        make_transects,
        kind="vaetut-transect",
        ready="[data-ready]",
        control="input[type=range]",
        key="ArrowLeft",
        seen="canvas",
        heard="^P1, a = 1.25, b = 0.80: in the hole. IoU",
        pointer=".vx-plot",
        gestures={".vx-plot": "pan-y", ".vt-map": "none"},
        lines=".vx-curve",
        start={"walk": "P1", "index": 5},
        moved={"walk": "P3", "index": 10},
        trait="index",
        kernel=4,
        saved=3,
        refused=(
            ("walk", "P9", "choose one of 'P1', 'P2', 'P3'"),
            ("index", -1, "give a whole number from 0 to 10"),
            ("index", 11, "give a whole number from 0 to 10"),
            ("index", 1.5, "give a whole number"),
        ),
        named=lambda text: widgets.TransectExplorer(
            transect_walks()[0]._replace(name=text)
        ),
        page=350_000,
    ),
    Widget(
        "RotationExplorer",
        make_rotation,
        kind="vaetut-rotation",
        ready="[data-live]",
        control="input[type=range]",
        key="ArrowRight",
        seen=".vr-cloud",
        heard=r"uniform square, 1°: mean \|μ1 μ2\| 0.2",
        pointer=".vx-plot",
        gestures={".vx-plot": "pan-y"},
        lines=".vx-curve, .vr-dots",
        start={"shape": "uniform square", "angle": 0},
        moved={"shape": "trained codes", "angle": 90},
        trait="angle",
        kernel=12,
        saved=13,
        refused=(
            ("shape", "disc", "choose one of 'uniform square', "),
            ("angle", -1, "give a whole number from 0 to 90"),
            ("angle", 91, "give a whole number from 0 to 90"),
            ("angle", 4.5, "give a whole number"),
        ),
        named=lambda text: widgets.RotationExplorer({text: POINTS[:50]}),
        page=80_000,
    ),
    Widget(
        "GammaExplorer",
        make_gamma,
        kind="vaetut-gamma",
        ready="[data-run]",
        control="input[type=range]",
        key="ArrowRight",
        seen=".vg-pad",
        heard=r"γ = 0: alignment 0.40 \(0.30 to 0.50, by chance 0.35\), angle \(°\)",
        pointer=".vg-pad",
        finger="input[type=range]",
        gestures={".vg-pad": "pan-y"},
        lines=".vg-line, .vg-chance",
        start={"run": "−4.1", "azimuth": -25, "elevation": 30, "fit": False},
        moved={"run": "410", "azimuth": 10, "elevation": 90, "fit": True},
        trait="run",
        kernel="41",
        saved="410",
        refused=(
            ("run", "7", "choose one of '−4.1', '0', '41', '410'"),
            ("azimuth", 181, "give a number from -180 to 180"),
            ("elevation", np.nan, "give a number from -90 to 90"),
        ),
        named=lambda text: widgets.GammaExplorer({text: lattice(0)}),
        page=20_000,
    ),
    Widget(
        "WalkExplorer",
        make_walks,
        kind="vaetut-walk",
        ready="[data-ready]",
        control="input[type=range]",
        key="ArrowRight",
        seen=".vw-tile canvas",
        heard="small to large, Step 7 of 11: meant is a = 1.38, b = 1.16. Factor",
        pointer=".vx-plot",
        gestures={".vx-plot": "pan-y"},
        lines=".vx-curve",
        start={"pair": "small to large", "index": 5},
        moved={"pair": "b alone", "index": 10},
        trait="index",
        kernel=2,
        saved=3,
        refused=(
            ("pair", "P9", "choose one of 'small to large', 'b alone'"),
            ("index", -1, "give a whole number from 0 to 10"),
            ("index", 11, "give a whole number from 0 to 10"),
            ("index", 1.5, "give a whole number"),
        ),
        named=lambda text: widgets.WalkExplorer(
            pair_of_walks("b alone")._replace(name=text)
        ),
    ),
    Widget(
        "FaceExplorer",
        make_face,
        kind="vaetut-faces",
        ready="[data-ready][data-frame][aria-busy=false]",
        control="input[type=range]",
        key="ArrowRight",
        seen="[data-face=moved]",
        heard=r"Face 1: Smiling \+0.1. Length of its code: ",
        pointer="input[type=range]",
        start={"face": 0, "amounts": [0] * 6},
        moved={"face": 3, "amounts": [0, -2, 1.5, 0, 0, 0]},
        trait="amounts",
        kernel=[0, 1, 0, 0, 0, 0],
        saved=[0.1, 1.0, 0.0, 0.0, 0.0, 0.0],
        refused=(
            ("face", FACES, "give a whole number from 0 to 7"),
            ("face", -1, "give a whole number from 0 to 7"),
        ),
        named=lambda text: make_face(names=(text, *ATTRIBUTES[1:])),
        decoded="[data-face=plain], [data-face=moved]",
        keras=True,
        page=1_400_000,
    ),
    Widget(
        "RadiusExplorer",
        make_radius,
        kind="vaetut-radius",
        ready="[data-frame][aria-busy=false]",
        control="input[type=range]",
        key="ArrowRight",
        seen="[data-model] canvas",
        heard="r = 16.25. Codes of real images that are shorter: AE none, VAE all",
        pointer=".vx-plot",
        gestures={".vx-plot": "pan-y"},
        lines=".vi-hill",
        start={"shape": "sphere", "radius": 16, "side": 1},
        moved={"shape": "cube", "radius": 2.5, "side": 8},
        trait="radius",
        kernel=3,
        saved=3.25,
        refused=(
            ("shape", "ball", "choose one of 'sphere', 'cube'"),
            ("radius", 40.5, "give a number from 0 to 40"),
            ("radius", -1, "give a number from 0 to 40"),
            ("radius", np.nan, "give a number from 0 to 40"),
            ("side", 8.1, "give a number from 0 to 8"),
            ("side", "3", "give a number from 0 to 8"),
            ("side", [1], "give a number from 0 to 8"),
        ),
        named=lambda text: make_radius(names=(text, "VAE")),
        decoded="[data-model] canvas",
        keras=True,
        page=2_500_000,
    ),
    Widget(
        "BetaExplorer",
        make_beta,
        kind="vaetut-beta",
        ready="[data-ready]",
        control="input[type=range]",
        key="ArrowRight",
        seen="[data-faces=random] canvas",
        heard="β = 1: KL 90 nats, reconstruction 3003 nats, codes most often ",
        pointer="input[type=range]",
        lines=".vi-hill, .vb-prior",
        start={"run": "0.1"},
        moved={"run": "10"},
        trait="run",
        kernel="0",
        saved="0.01",
        refused=(("run", "2", "choose one of '0', '0.01'"),),
        named=lambda text: make_beta(names=(text, "1")),
        page=100_000,
    ),
    Widget(
        "LossLedger",
        make_losses,
        kind="vaetut-ledger",
        ready="[data-live]",
        control="input[type=range]",
        key="ArrowLeft",
        seen="tbody",
        heard="Epoch 4, nats per image: sum BCE, sum KL: reconstruction",
        pointer=".vx-plot",
        gestures={"svg": "pan-y"},
        lines=".vx-curve",
        start={"run": "2.05", "unit": UNITS[0], "epoch": EPOCHS - 1},
        moved={"run": "0", "unit": UNITS[2], "epoch": 0},
        trait="epoch",
        kernel=2,
        saved=1,
        refused=(
            ("run", "1", "choose one of '0', '2.05', '128'"),
            ("unit", "bits", "choose one of 'nats per image"),
            ("epoch", EPOCHS, "give a whole number from 0 to 4"),
            ("epoch", 0.5, "give a whole number from 0 to 4"),
        ),
        named=lambda text: widgets.LossLedger({text: HISTORIES["0"]}),
        page=20_000,
    ),
    Widget(
        "LiveTrainer",
        make_live,
        kind="vaetut-live",
        ready="[data-done][aria-busy=false]",
        control="input[name=beta]",
        key="ArrowRight",
        seen=".vm-loss",
        heard="^β 3, γ 0: ",
        pointer="input[name=gamma]",
        gestures={".vm-pad": "pan-y"},
        lines=".vm-line, .vm-rim",
        start={
            "beta": 1,
            "gamma": 0,
            "learned": False,
            "units": 2,
            "hole": False,
            "seed": 0,
        },
        moved={
            "beta": 300,
            "gamma": -3,
            "learned": True,
            "units": 3,
            "hole": True,
            "seed": 7,
        },
        trait="beta",
        kernel=10,
        saved=30,
        refused=(
            ("beta", 2, "choose one of 0, 0.1"),
            ("gamma", np.nan, "choose one of -3"),
            ("gamma", "0", "choose one of -3"),
            ("units", 4, "choose one of 2, 3"),
            ("seed", -1, "give a whole number from 0 to 9999"),
        ),
        page=40_000,
    ),
    Widget(
        "DrawExplorer",
        make_draw,
        kind="vaetut-draw",
        ready="[data-code][aria-busy=false]",
        control="input[name=example]",
        key="ArrowRight",
        seen=".vd-answer",
        heard=r"^another: μ = \(",
        pointer=".vd-canvas",
        gestures={".vd-canvas": "none"},
        lines=".vd-ring, .vd-mean",
        start={"example": 0},
        moved={"example": 3},
        trait="example",
        kernel=2,
        saved=3,
        refused=(
            ("example", 4, "give a whole number from 0 to 3"),
            ("example", -1, "give a whole number from 0 to 3"),
            ("example", 0.5, "give a whole number"),
        ),
        named=lambda text: make_draw(names=(text, *DRAWN[1:])),
        keras=True,
        engine=True,
        page=1_200_000,
    ),
    Widget(
        "StarExplorer",
        make_star,
        kind="vaetut-star",
        ready="[data-best][aria-busy=false]",
        control=".vp-pad",
        key="ArrowRight",
        seen=".vy-tile canvas",
        heard="^a 1.27, b 1.00. IoU with the truth: the model 0",
        pointer=".vp-pad",
        gestures={".vp-pad": "none"},
        start={"a": 1.25, "b": 1.0},
        moved={"a": 2, "b": 0.25},
        trait="a",
        kernel=0.618,
        saved=0.64,
        refused=(
            ("a", 0.49, "give a number from 0.5 to 2"),
            ("b", 2.01, "give a number from 0 to 2"),
            ("b", None, "give a number from 0 to 2"),
        ),
        keras=True,
        engine=True,
        page=150_000,
    ),
    Widget(
        "ParameterLedger",
        make_parameters,
        kind="vaetut-parameters",
        ready="[data-side]",
        control="input[name=extra]",
        key="ArrowRight",
        seen="tbody",
        heard="^Encoder 0.55, decoder 2.76 million parameters",
        pointer="input[name=side]",
        start={"side": 96, "layers": 4, "dimensions": 256, "extra": 0, "batch": 128},
        moved={"side": 64, "layers": 5, "dimensions": 16, "extra": 64, "batch": 1},
        trait="extra",
        kernel=128,
        saved=192,
        refused=(
            ("side", 100, "choose one of 32, "),
            ("layers", 6, "choose one of 2, "),
            ("extra", -1, "choose one of 0, "),
            ("batch", 0.5, "choose one of 1, "),
            ("batch", True, "choose one of 1, "),
        ),
        page=20_000,
    ),
]
BY_NAME = {widget.name: widget for widget in WIDGETS}


@cache
def example(name):
    """Return a widget of that name, which tests look at and leave as it is."""
    return BY_NAME[name].make()


# ---- What a page carries


def page_state(explorer):
    """Return the state that a page gets of a widget, as JSON has it."""
    return json.loads(json.dumps(explorer.page_state()))


def unpack_picture(text):
    """Return the array of a picture in base64, which may be a data URI."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1]))))


def unpack_steps(packed, columns):
    """Return numbers (n, columns) that were packed as int16 steps of a span."""
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<i2")
    return steps.reshape(-1, columns) / 32767 * packed["span"]
