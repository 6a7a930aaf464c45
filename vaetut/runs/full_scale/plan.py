"""What a card's minutes go to, as data: commands in order of worth."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaetut.datasets import fashion_mnist
from vaetut.recipes.catalogue import BETAS, FASHION_AE, sweep_name
from vaetut.recipes.experiments import EXPERIMENTS, THEIRS_CHANGED, TINY

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"  # of a checkout
GROUPS = {
    "checks": "Does it work on this card?",
    "reference": "Chapter 08: the reference as published, and at our learning rate",
    "faces": "Chapters 04 to 06: faces of 96×96 pixels, the source's 24 epochs",
    "speed": "Images a second, and the share of the card's matrix rate",
    "ladders": "What the chapters compare, at full scale",
}
REFERENCE = "polar-reference"
PRECISION = "bfloat16"  # of the layers in every training of the list
FEWER_FACES = "faces-96-50k"  # drawn in a minute; the source had 170,000
# The ladders, in the chapters' order: their recipes name no size of the laptop's.
LADDERS = ("kl-strength", "tiny", "clip", "blur", "ladder")
SEEDS = 3


@dataclass(frozen=True)
class Item:
    """A command of the list: one process, one result."""

    name: str
    group: str
    command: tuple[str, ...]  # after the Python interpreter
    about: str  # what for, in a sentence
    training: tuple[str, int] | None = None  # recipe and seed, where it is one
    needs: str | None = None  # the item that must be done before
    beside: bool = False  # on the processor, while the card does others
    required: bool = False  # without it nothing of the rest makes sense
    missing: str | None = None  # what it lacks here, in words


def plan(scale: str, only: Sequence[str] | None = None) -> list[Item]:
    """Return the list at "full" scale, or at "smoke" to rehearse it.

    `only` names groups or items; what is required, and what they need, comes with
    them. Raises ValueError for a name that there is not.
    """
    items = [
        *_checks(scale),
        *_reference(scale),
        *_faces(scale),
        *_speed(scale),
        *_ladders(scale),
    ]
    unique = {item.name: item for item in reversed(items)}  # the first place counts
    listed = [item for item in items if unique.pop(item.name, None)]
    for name in only or ():
        if name not in GROUPS and name not in {item.name for item in listed}:
            raise ValueError(
                f"There is neither a group nor an item {name!r} in the list: the "
                f"groups are {', '.join(GROUPS)}."
            )
    wanted = [
        item
        for item in listed
        if not only or item.required or {item.group, item.name} & set(only)
    ]
    needed = {item.needs for item in wanted}
    return [item for item in listed if item in wanted or item.name in needed]


def _checks(scale: str) -> list[Item]:
    def check(name: str, about: str, required: bool = False) -> Item:
        module = "vaetut.runs.full_scale.checks"
        command = ("-m", module, name, "--scale", scale)
        return Item(name, "checks", command, about, required=required)

    draw = ("-m", "vaetut", "data", "draw", _faces_set(scale))
    about = "draws the faces on all cores, while the card does what needs none"
    return [
        check("machine", "the card, its driver and its free memory", required=True),
        Item("draw faces", "faces", draw, about, beside=True),
        check("train", "a smoke training: both precisions, resident images, the CPU"),
        check("resume", "a training that was killed ends with the same weights"),
        _bench("rates", "speed", scale, "rates", "what this card multiplies and moves"),
    ]


def _reference(scale: str) -> list[Item]:
    ours = THEIRS_CHANGED["learning rate"]
    return [
        _training(REFERENCE, 0, "reference", scale, "exactly as published"),
        _training(ours, 0, "reference", scale, "the same at our learning rate"),
        _training(REFERENCE, 1, "reference", scale, "a second seed"),
        _training(REFERENCE, 2, "reference", scale, "a third seed"),
    ]


def _faces(scale: str) -> list[Item]:
    recipes = {
        "faces-vae": "the VAE",
        TINY["autoencoder, normalized"]: "the autoencoder, normalized as the VAE",
        TINY["tiny KL"]: "the VAE with a tiny KL loss",
        "faces-dense-256": "the VAE with an extra Dense layer: time, memory",
    }
    fewer = f"dataset={FEWER_FACES}"
    judge = "faces-classifier"
    scales = {name: scale for name in recipes}
    if scale == "full":
        recipes = {_with(name, fewer): about for name, about in recipes.items()}
        judge = _with(judge, fewer)
        scales = {name: scale for name in recipes} | {judge: "laptop"}
    about = "the classifier that judges the others"
    return [
        _training(name, 0, "faces", scales.get(name, scale), text, needs="draw faces")
        for name, text in ({judge: about} | recipes).items()
    ]


def _speed(scale: str) -> list[Item]:
    about = {
        "rivals": "the large models against a plain PyTorch loop, in turns",
        "ways": "what holds the reference back: one thing changed at a time",
        "python": "how long Python takes a step, for which a fast device waits",
    }
    return [_bench(name, "speed", scale, name, text) for name, text in about.items()]


def _ladders(scale: str) -> list[Item]:
    names = [name for ladder in LADDERS for name in EXPERIMENTS[ladder].values()]
    names += ["polar-vae", "polar-compact"]
    if fashion_mnist.available():
        names += [FASHION_AE.name, *map(sweep_name, BETAS)]
    return [
        _training(name, seed, "ladders", scale, "a row of a chapter's comparison")
        for seed in range(SEEDS)
        for name in names
    ]


def _training(
    name: str, seed: int, group: str, scale: str, about: str, needs: str | None = None
) -> Item:
    command = ("-m", "vaetut", "train", name, "--scale", scale, "--seeds")
    return Item(
        f"{name} {scale} seed {seed}",
        group,
        (*command, f"{seed}-{seed}", "--precision", PRECISION),
        about,
        training=(name, seed),
        needs=needs,
    )


def _bench(name: str, group: str, scale: str, way: str, about: str) -> Item:
    script = BENCHMARKS / "card.py"
    command = (str(script), way, *["--quick"] * (scale == "smoke"))
    missing = None
    if not script.exists():
        missing = f"{script} is not there: take the whole repository"
    elif name == "rivals" and importlib.util.find_spec("torch") is None:
        missing = "PyTorch is not installed: pip install torch"
    return Item(name, group, command, about, missing=missing)


def _faces_set(scale: str) -> str:
    return FEWER_FACES if scale == "full" else "faces-48-few"


def _with(name: str, setting: str) -> str:
    """Return a name with one more setting, in the alphabetical order of variants."""
    base, *settings = name.split("+")
    return "+".join([base, *sorted([*settings, setting])])
