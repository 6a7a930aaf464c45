"""What chapters compare: labels for readers, names of recipes for the runs.

Each experiment maps a label to the name of a recipe or variant, as `get_recipe` takes
it. All of one are trained by `vaetut sweep EXPERIMENT --scale laptop --seeds 3`.
"""

from typing import Any

from vaetut.datasets import polar
from vaetut.recipes.catalogue import (
    BETAS,
    CATALOGUE,
    FASHION_AE,
    KL_WEIGHTS,
    RUNGS,
    get_recipe,
    polar_beta,
    strength_name,
    sweep_name,
)
from vaetut.recipes.variants import as_text, variant

OURS, THEIRS = "polar-small", "polar-reference"

# Each decoder draws images by other means, trained for the same number of steps.
LADDER = {
    "transposed convolution": OURS,
    **{
        {
            "upsampling": "upsampling + convolution",
            "coordinate": "CoordConv",
            "broadcast": "spatial broadcast",
            "fourier": "Fourier features",
            "distance": "distance field",
            "contour": "contour + rasteriser",
        }[decoder]: f"polar-{decoder}"
        for decoder in RUNGS
    },
}

# One difference a row: what makes ours as the reference, and the reference as ours;
# None where that was not tried.
DIFFERENCES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {
    "shuffling": ({"shuffle": False}, {"shuffle": True}),
    "learning rate": (
        {"learning_rate": 1e-4, "schedule": "constant", "warmup": 0.0},
        {"learning_rate": 4e-3, "schedule": "cosine", "warmup": 0.03},
    ),
    "batch size": ({"batch_size": 8}, {"batch_size": 16}),
    "batch normalization": ({"normalization": "batch"}, {"normalization": "off"}),
    "initialisation": ({"initializer": "normal"}, {"initializer": "glorot"}),
    "β": ({"beta": polar_beta(64, 8e-3)}, {"beta": 1.0}),
    "sample weights": ({"sample_weights": "b-batch"}, {"sample_weights": None}),
    "weights done right": ({"sample_weights": "b"}, None),
    "architecture": (
        {"network": "reference", "filters": (16, 16, 32, 32)},
        {"network": "transposed", "filters": (16, 32, 64, 64)},
    ),
    "canvas": (
        {"dataset": "polar-reference-64-punctured"},
        {"dataset": "polar-64-punctured"},
    ),
    "twice as long": (None, {"epochs": 8}),
}


def named(base: str, settings: dict[str, Any]) -> str:
    """Return the name of a base recipe with some settings, as `get_recipe` takes it."""
    changes = [f"{field}={as_text(value)}" for field, value in sorted(settings.items())]
    return "+".join([base, *changes])


OURS_CHANGED = {k: named(OURS, ours) for k, (ours, _) in DIFFERENCES.items() if ours}
THEIRS_CHANGED = {
    k: named(THEIRS, theirs) for k, (_, theirs) in DIFFERENCES.items() if theirs
}

HOLES = {  # what is removed from the plane -> its name in the set's
    "disc 0.1": "disc-0.1",
    "disc 0.3": "disc",
    "disc 0.5": "disc-0.5",
    "disc 0.7": "disc-0.7",
    "corner": "corner",
    "band": "band",
    "half plane": "half",
}
IMAGES = (200, 500, 2000)  # fewer of them, for as many steps
ALL_IMAGES, EPOCHS = 4330, 4  # of the laptop's scale
_POINTS = polar.sample(5000, 0)


def task(base: str, hole: str = "disc 0.3", images: int | None = None) -> str:
    """Return the name of a recipe at another hole, or with fewer training images.

    Where a hole leaves fewer images there are more epochs, for about as many steps.
    """
    settings: dict[str, Any] = {}
    epochs = EPOCHS
    if hole != "disc 0.3":
        settings["dataset"] = f"polar-64-without-{HOLES[hole]}"
        kept, usual = (polar.outside(_POINTS, h).mean() for h in (HOLES[hole], "disc"))
        epochs = round(EPOCHS * usual / kept)
    if images:
        settings["images"] = images
        epochs = round(EPOCHS * ALL_IMAGES / images)
    if epochs != EPOCHS:
        settings["epochs"] = epochs
    return named(base, settings)


HARD = ("disc 0.7", "corner", "half plane")  # holes that another decoder gets
HARD_RUNGS = ("polar-contour",)
TASKS = {
    **{f"{OURS}: {hole}": task(OURS, hole) for hole in HOLES},
    **{f"{OURS}: {n} images": task(OURS, images=n) for n in IMAGES},
    **{f"{name}: {hole}": task(name, hole) for name in HARD_RUNGS for hole in HARD},
}
CONTROLS = {
    "nothing removed": named(OURS, {"dataset": "polar-64"}),  # the ceiling
    "learned variance": named(OURS, {"posterior_sd": None}),
    "two dimensions": named(OURS, {"latent_dim": 2}),
}
LARGEST = {label: task(name, "disc 0.7") for label, name in LADDER.items()}
LONG: dict[str, Any] = {"epochs": 16}  # four times as many as in `LADDER`
BEST = {  # how far it goes
    "learned variance": named("polar-vae", {"posterior_sd": None}),
    "contour": named("polar-contour", LONG),
    "contour, learned variance": named("polar-contour", LONG | {"posterior_sd": None}),
}

# Chapter 09, on the whole plane: γ and β in units of the source's.
WHOLE = get_recipe("polar-entanglement", "laptop")


def whole(gammas: float = 1, betas: float = 1, **settings: Any) -> str:
    """Return the name of a variant of `polar-entanglement` with scaled weights.

    `gammas` and `betas` are how many times its γ and its β; `settings` are fields of
    the recipe. Raises ValueError for an unknown field or value.
    """
    gamma: Any = WHOLE.gamma  # it has both
    beta: Any = WHOLE.beta
    weights = {"gamma": gammas * gamma, "beta": betas * beta}
    changed = {k: round(v, 6) for k, v in weights.items() if v != getattr(WHOLE, k)}
    return variant(WHOLE, **changed | settings).name


def rival(
    model: str, gamma: float | None = None, betas: float = 1, **settings: Any
) -> str:
    """Return the name of a variant with another model and learned variances.

    `gamma` is its γ, for nats per image. Raises ValueError as `whole` does.
    """
    own = {"model": model, "gamma": gamma, "posterior_sd": None}
    return whole(betas=betas, **own | settings)


GAMMAS = (-10, 0, 1, 10, 100, 1000)
FLAT = (-5, 0, 1, 10, 100)  # below -β/γ, 6.7 times, nothing would hold the codes
SPRINGS = (0.1, 1, 10, 100)
LARGE: dict[str, Any] = {
    "batch_size": 64,
    "epochs": 8,
}  # where a term is a whole batch's

# Chapters 04 to 06: the strength of the KL loss, in the source's unit, and three causes
# of blur.
FACES, TINY_KL = "faces-vae", "faces-tiny-kl"


def faces(base: str = FACES, **settings: Any) -> str:
    """Return the name of a recipe of faces, or of a variant with other settings.

    Raises ValueError for an unknown recipe, field or value.
    """
    return variant(get_recipe(base, "laptop"), **settings).name


KL_STRENGTH = {f"{weight:g}": strength_name(weight) for weight in KL_WEIGHTS}
BLUR = {
    "as it is": faces(),
    "64 dimensions": faces(latent_dim=64),
    "1024 dimensions": faces(latent_dim=1024),
    "a fifth of the KL loss": strength_name(1.0),
    "residual blocks": faces(network="faces-residual"),
    "upsampling + convolution": faces(network="faces-upsampling"),
}
# The source's autoencoder has no batch normalization and its VAE has one: both.
TINY = {
    "autoencoder": "faces-ae",
    "autoencoder, normalized": faces("faces-ae", normalization="batch"),
    "tiny KL": TINY_KL,
}
CLIPPED = {
    "free": TINY_KL,
    "clipped": faces(TINY_KL, max_epsilon=5.0),
}

EXPERIMENTS = {
    "kl-strength": KL_STRENGTH,
    "blur": BLUR,
    "tiny": TINY,
    "clip": CLIPPED,
    "ladder": LADDER,
    "autopsy": {
        "ours": OURS,
        "the reference's": THEIRS,
        **{f"ours, {k}": v for k, v in OURS_CHANGED.items()},
        **{f"the reference's, {k}": v for k, v in THEIRS_CHANGED.items()},
    },
    "tasks": TASKS | CONTROLS,
    "largest": LARGEST,
    "best": BEST,
    "confirmation": {"at 256 pixels": "polar-vae+epochs=6"},  # at full scale
    "gamma": {f"γ = {times}": whole(times) for times in GAMMAS},
    "flat": {f"γ = {times}": whole(times, latent_dim=2) for times in FLAT},
    "spring": {f"β = {times}": whole(betas=times) for times in SPRINGS},
    "rivals": {
        "learned variance": rival("vae"),
        "learned variance, 3 β": rival("vae", betas=3),
        "learned variance, flat": rival("vae", latent_dim=2),
        "learned variance, large batch": rival("vae", **LARGE),
        "DIP-VAE-I": rival("dip-vae-i", 10, **LARGE),
        "DIP-VAE-II": rival("dip-vae-ii", 10, **LARGE),
        "β-TC-VAE": rival("tc-vae", 10, **LARGE),
    },
}

# What a chapter sets side by side is shown at one scale: see `vaetut.runs.scales`.
COMPARED: tuple[tuple[str, ...], ...] = (
    (FASHION_AE.name, *map(sweep_name, BETAS)),
    (
        *(name for name in CATALOGUE if name.startswith("faces-")),
        *BLUR.values(),
        *TINY.values(),
        *CLIPPED.values(),
    ),
    (
        *EXPERIMENTS["autopsy"].values(),
        *(
            name
            for ladder in (LADDER, TASKS, CONTROLS, LARGEST)
            for name in ladder.values()
        ),
    ),
    ("polar-vae", *BEST.values()),
    (
        "polar-entanglement",
        *(
            name
            for experiment in ("gamma", "flat", "spring", "rivals")
            for name in EXPERIMENTS[experiment].values()
        ),
    ),
)
