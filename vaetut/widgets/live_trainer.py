"""A small VAE of stars that the page itself trains, with its codes as they move."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut import analysis, checks
from vaetut.datasets.polar import HOLE_CENTER, HOLE_RADIUS, curve, draw, outside, sample
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE, PETALS
from vaetut.widgets.explorer import Among, Explorer, Whole, quantise

BETAS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
GAMMAS = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
UNITS = (2, 3)

# Every star is a row of its radius at 64 angles, less 1.25 and divided by 0.92, which
# are about the mean and standard deviation of them all.
ANGLES, STARS = 64, 1024
MIDDLE, SPREAD = 1.25, 0.92
SETTINGS = {
    "width": ANGLES,
    "hidden": 48,
    "noise": 0.5,  # the standard deviation of a number of a row, given the code
    "rate": 3e-3,  # Adam's, which falls to 0 as a cosine
    "steps": 4000,
    "batch": 64,
}
SD = 0.1  # of all codes, where it is constant
ASLEEP, FAR = (
    0.01,
    30.0,
)  # Burda's threshold; a root mean square beyond which codes fled
EXAMPLES = ((0.7, 0.3), (1.8, 0.4), (1.25, 1.0), (0.7, 1.7), (1.8, 1.8))


class LiveTrainer(Explorer):
    """A VAE of stars that is trained while one looks, in the page itself.

    Each star is 64 radii, the networks are tanh 64 → 48 → `units` → 48 → 64, and Adam
    takes `steps` of 64 stars each. The loss is reconstruction + `beta` · KL + `gamma` ·
    mean |μ_i μ_j|, in nats a star. σ is 0.1, or `learned`. With a `hole` the stars of
    the hole are not trained on. Another `seed` starts from other weights. The page
    shows the plane of codes as it moves and what the loss is made of, and says in words
    what came of it. `alt` describes the still picture of a page without JavaScript.

    In Jupyter the traits follow the page, and the page them; it trains there as well,
    without the kernel. Raises ValueError, naming the choice, for what no slider has.
    Used in chapters 02, 08 and 09.
    """

    kind = "vaetut-live"
    view = ("beta", "gamma", "learned", "units", "hole", "seed")

    beta = Among(BETAS, 1.0).tag(sync=True)
    gamma = Among(GAMMAS, 0.0).tag(sync=True)
    learned = traitlets.Bool(False).tag(sync=True)
    units = Among(UNITS, 2).tag(sync=True)
    hole = traitlets.Bool(False).tag(sync=True)
    seed = Whole().tag(sync=True)
    last = 9999  # the last seed

    def __init__(
        self, *, steps: int = 4000, alt: str | None = None, **traits: Any
    ) -> None:
        steps = checks.whole_number("steps", steps, least=1)
        low, high = np.transpose([A_RANGE, B_RANGE])
        state = {
            "betas": BETAS,
            "gammas": GAMMAS,
            "settings": SETTINGS | {"steps": steps},
            "sd": SD,
            "asleep": ASLEEP,
            "points": quantise(factors(), low, high),
            "ranges": [A_RANGE, B_RANGE],
            "center": HOLE_CENTER,
            "radius": HOLE_RADIUS,
            "petals": PETALS,
            "middle": MIDDLE,
            "spread": SPREAD,
            "examples": EXAMPLES,
        }
        super().__init__(state, alt, **traits)

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        return (
            f"{len(EXAMPLES)} stars, and below each its radius at {ANGLES} angles, the "
            "row of numbers that a small VAE is to encode. With JavaScript the page "
            "trains that VAE and shows its codes move."
        )

    def draw(self) -> Figure:
        """Return the still picture: stars, and the rows of numbers they are."""
        figure = Figure(figsize=(7.5, 3.2), dpi=100, layout="constrained")
        above, below = figure.subplots(
            2, len(EXAMPLES), sharey="row", height_ratios=(1.6, 1)
        )
        stars = draw(EXAMPLES, 128)[..., 0]
        for axes, star, (a, b) in zip(above, stars, EXAMPLES, strict=True):
            axes.imshow(255 - star, cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_title(f"a = {a:g}, b = {b:g}", fontsize=8)
        for axes, row in zip(below, rows(EXAMPLES), strict=True):
            axes.plot(row, color="#0077BB")
            axes.set_xticks([0, ANGLES - 1], ["1", str(ANGLES)])
            axes.tick_params(labelsize=7)
            axes.spines[["top", "right"]].set_visible(False)
        below[0].set_ylabel("radius", fontsize=8)
        return figure


def factors(hole: bool = False) -> np.ndarray:
    """Return the (a, b) of the stars, (n, 2): 1,024, or those outside the hole."""
    points = sample(STARS, 0)
    return points[outside(points)] if hole else points


def rows(points: ArrayLike) -> np.ndarray:
    """Return the rows (n, 64) that stars (n, 2) are to the VAE."""
    a, b = np.transpose(points)[..., None]
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    return (curve(a, b, angles) - MIDDLE) / SPREAD


def recipe(
    beta: float = 1.0,
    gamma: float = 0.0,
    learned: bool = False,
    units: int = 2,
    hole: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Return what the page trains, ready for JSON: see `Recipe` in js/trainer.js."""
    own = {"beta": beta, "gamma": gamma, "units": units, "seed": seed}
    data = rows(factors(hole)).ravel().tolist()
    return SETTINGS | own | {"sd": None if learned else SD, "rows": data}


def verdict(
    mean: np.ndarray, log_var: np.ndarray, points: np.ndarray
) -> dict[str, float]:
    """Return what the page says of codes: numbers that its words follow from.

    `mean` and `log_var` are (n, d), of stars `points` (n, 2). "active" units vary by
    more than 0.01 (Burda et al. 2016); "reach" is the root mean square of the means, of
    which more than 30 counts as run away; "sap" is the SAP of (a, b), and "diagonals"
    that of a ± ¾b, the diagonals of the plane.
    """
    reach = float(np.sqrt(np.mean(np.square(mean))))
    active = int(analysis.active_units(mean).count) if np.isfinite(reach) else 0
    found = {"active": active, "reach": round(reach, 4)}
    if not active or not reach < FAR:
        return found | {"sap": 0.0, "diagonals": 0.0}
    diagonals = points @ [[1, 1], [0.75, -0.75]]
    return found | {
        "sap": round(analysis.sap(mean, points), 4),
        "diagonals": round(analysis.sap(mean, diagonals), 4),
    }
