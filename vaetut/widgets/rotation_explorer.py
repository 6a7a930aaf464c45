"""A cloud of codes to turn: what the entanglement loss makes of each angle."""

from numbers import Integral

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import laplace, norm, qmc

from vaetut.widgets.checks import names_of
from vaetut.widgets.explorer import (
    COLOURS,
    DASHES,
    Explorer,
    OneOf,
    Whole,
    pack_steps,
    short,
)

ANGLES = np.arange(91)  # degrees
DOTS = 600  # of a cloud that a page shows; its curves are of all points
SEEN = 0.99  # of the dots lie within the axes, at every angle
STRONG = 0.9  # of the dots can never have a |μ1 μ2| beyond the colours
FEWEST = 3


class RotationExplorer(Explorer):
    """Codes of two units, turned by a slider, with the entanglement loss of each angle.

    `clouds` are the codes by their shape's name, (n, 2) each. Beside the cloud the
    page shows the mean of |μ1 μ2| and the covariance of both units over the angle, of
    all points; 600 of them are shown as dots, the same at each building. Angles turn
    counterclockwise, from 0 to 90 degrees in steps of 1. `shape` and `angle` are
    where to start: the first cloud at 0 unless given. `alt` describes the still
    picture that a page without JavaScript shows.

    In Jupyter the traits `shape` and `angle` follow the page, and the page them. As
    `text/html` the explorer works without kernel and network. Raises ValueError,
    naming what is wrong and what to give. Used in chapter 09.
    """

    kind = "vaetut-rotation"
    view = ("shape", "angle")
    last = int(ANGLES[-1])

    shape = OneOf().tag(sync=True)
    angle = Whole().tag(sync=True)

    def __init__(
        self,
        clouds: dict,
        *,
        shape: str | None = None,
        angle: int = 0,
        alt: str | None = None,
    ) -> None:
        mend = 'give {"uniform square": codes (n, 2), …}'
        self.names = names_of("clouds", clouds, mend)
        self.clouds = {name: _cloud(name, codes) for name, codes in clouds.items()}
        self.curves = {name: turned(codes) for name, codes in self.clouds.items()}
        shapes = [self._pack(name) for name in self.names]
        shape = self.names[0] if shape is None else shape
        super().__init__({"shapes": shapes}, alt, shape=shape, angle=angle)

    def _pack(self, name: str) -> dict:
        """Return what a page needs to show a cloud, ready for JSON."""
        codes, curves = self.clouds[name], self.curves[name]
        dots = shown(codes)
        radius = np.hypot(*dots.T)
        reach = 1.02 * np.quantile(radius, SEEN)
        return {
            "name": name,
            "n": len(codes),
            "dots": pack_steps(dots),
            "reach": float(f"{reach:.6g}"),
            "most": float(f"{np.quantile(radius, STRONG) ** 2 / 2:.6g}"),
        } | {key: short(curve) for key, curve in curves.items()}

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        curves = self.curves[self.shape]
        loss, covariance = curves["loss"], curves["covariance"]
        here = round(covariance[self.angle], 3) + 0.0  # no −0
        return (
            f"The codes of the {self.shape} in the plane of two units, turned by "
            f"{self.angle}°, and over the angle from 0° to 90° the mean of |μ1 μ2| and "
            f"the covariance. Here the mean is {loss[self.angle]:.3f} and the "
            f"covariance {here:.3f}; the mean is lowest, "
            f"{loss.min():.3f}, at {loss.argmin()}°, against {loss[0]:.3f} at 0°. With "
            "JavaScript the angle can be moved."
        )

    def draw(self) -> Figure:
        """Return the still picture: the cloud at its angle, and both curves."""
        figure = Figure(figsize=(7.5, 3.4), dpi=100, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        dots = shown(self.clouds[self.shape]) @ rotation(self.angle).T
        reach = 1.1 * np.quantile(np.hypot(*dots.T), SEEN)
        strength = np.abs(dots[:, 0] * dots[:, 1])
        left.scatter(*dots.T, c=strength, s=6, lw=0, cmap="cividis")
        left.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        for line in (left.axhline, left.axvline):
            line(0, color="#444444", lw=0.8)
        left.set(xlabel="μ₁", ylabel="μ₂", title=f"{self.shape}, {self.angle}°")
        kinds = {"loss": ("mean |μ₁ μ₂|", 0), "covariance": ("covariance", 3)}
        for key, (label, k) in kinds.items():
            curve, look = self.curves[self.shape][key], {"color": COLOURS[k]}
            right.plot(ANGLES, curve, ls=DASHES[k], label=label, **look)
            right.plot(self.angle, curve[self.angle], "o", **look)
        right.axvline(self.angle, color="#222222", lw=1)
        right.set(xlabel="angle in degrees", xticks=[0, 15, 30, 45, 60, 75, 90])
        right.legend(fontsize=8, frameon=False)
        return figure


def rotation(angle: float | np.integer) -> np.ndarray:
    """Return the matrix (2, 2) that turns counterclockwise by an angle in degrees."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[c, -s], [s, c]])


def turned(codes: ArrayLike) -> dict[str, np.ndarray]:
    """Return loss, covariance and correlation of codes (n, 2) at each of `ANGLES`.

    The loss is the mean of |μ1 μ2|; covariances are those of the population.
    """
    codes = np.asarray(codes, float)
    loss = [
        np.abs(np.prod(codes @ rotation(angle).T, axis=1)).mean() for angle in ANGLES
    ]
    around = np.cov(codes.T, bias=True)
    parts = [rotation(angle) @ around @ rotation(angle).T for angle in ANGLES]
    covariance = np.array([part[0, 1] for part in parts])
    spread = np.sqrt([part[0, 0] * part[1, 1] for part in parts])
    return {
        "loss": np.array(loss),
        "covariance": covariance,
        "correlation": covariance / np.maximum(spread, np.finfo(float).tiny),
    }


def shown(codes: np.ndarray) -> np.ndarray:
    """Return the codes (m, 2), at most 600, that a page shows: the same each time."""
    if len(codes) <= DOTS:
        return codes
    picks = np.random.default_rng(0).choice(len(codes), DOTS, replace=False)
    return codes[np.sort(picks)]


def example_clouds(n: int = 40_000) -> dict[str, np.ndarray]:
    """Return clouds (n, 2) of six shapes that all have a mean |μ1 μ2| of 1/4 at 0°.

    Points are spread evenly by a Halton sequence, and mirrored at both axes and, where
    a shape is the same along both, at the diagonal: so covariances that vanish are 0
    at once. Raises ValueError unless `n` is a multiple of 8, from 8 on.
    """
    if not isinstance(n, Integral) or n < 8 or n % 8:
        raise ValueError(f"n is {n!r}: give a multiple of 8, from 8 on.")
    u = qmc.Halton(2, scramble=False).random(n // 4 + 1)[1:]  # the first is a corner
    half = u[: n // 8]
    both = np.concatenate([half, half[:, ::-1]])  # a quarter of each that is symmetric
    sides = {f"rectangle {r:g}:1": u * [r**0.5, r**-0.5] for r in (1.4, 1.7, 2)}
    quarters = {
        "uniform square": both,
        **sides,
        "Gaussian": norm.ppf((1 + both) / 2),
        "Laplace": laplace.ppf((1 + both) / 2),
    }
    return {
        name: _mirrored(x) / np.sqrt(4 * _product(x)) for name, x in quarters.items()
    }


def _mirrored(codes: np.ndarray) -> np.ndarray:
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    return (codes * signs[:, None]).reshape(-1, 2)


def _product(codes: np.ndarray) -> float:
    return np.abs(np.prod(codes, axis=1)).mean()


def _cloud(name: str, codes: ArrayLike) -> np.ndarray:
    """Return codes as floats (n, 2), or say what is wrong with them."""
    codes = np.asarray(codes, float)
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) < FEWEST:
        raise ValueError(
            f"cloud {name!r} has shape {codes.shape}: give (n, 2), a row a code, at "
            f"least {FEWEST}."
        )
    if not np.isfinite(codes).all():
        raise ValueError(f"cloud {name!r} has NaN or infinity: leave them out.")
    if not np.abs(codes).max() > 0:
        raise ValueError(f"cloud {name!r} is all zeros: give codes that are apart.")
    return codes
