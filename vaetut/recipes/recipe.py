"""What a training is, as a value: everything that decides its outcome but the seed."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from vaetut import atomic

SCALES = ("full", "laptop", "smoke")  # the best first
SCHEDULES = ("constant", "cosine")
CHOICES = {  # field -> what it may be, beside None
    "normalization": ("batch", "off"),
    "initializer": ("normal", "glorot"),
    "sample_weights": ("b", "b-batch"),
}
POSITIVE = ("latent_dim", "learning_rate", "epochs", "batch_size")
PERHAPS = {  # field -> what none stands for
    "images": "all",
    "test_images": "all",
    "extra_dense": "no such layer",
    "posterior_sd": "a learned one",
    "max_epsilon": "no limit",
}
NOT_NEGATIVE = ("beta", "optimizer_epsilon")
WITHOUT_BETA = ("autoencoder", "classifier")
WITH_GAMMA = ("entanglement-vae", "dip-vae-i", "dip-vae-ii", "tc-vae")


@dataclass(frozen=True)
class Recipe:
    """A training to be run, at one scale; its digest changes with any field.

    Raises ValueError for an unknown scale or a number that makes no sense.
    """

    name: str  # as in `vaetut train NAME`
    scale: str  # "full": the source's; "laptop": minutes; "smoke": seconds
    dataset: str  # as in vaetut.datasets.load
    model: str  # "autoencoder", "classifier", "vae", … as in training.build
    network: str = "conv"  # as in vaetut.models.NETWORKS
    latent_dim: int = 2  # dimensions of a code
    filters: tuple[int, ...] = (32, 64, 128)  # of the encoder, from the image inwards
    kernel_sizes: tuple[int, ...] | None = None  # one a filter; None: the network's
    extra_dense: int | None = None  # units of a layer before the heads; None: no layer
    normalization: str | None = None  # "batch" or "off"; None: as the network has it
    initializer: str | None = None  # "normal" or "glorot"; None: as the network has it
    beta: float | None = None  # weight of the KL loss, in nats per image; a VAE's only
    gamma: float | None = None  # weight of a variant's own term, in nats per image
    posterior_sd: float | None = None  # the same for all codes; None: learned
    max_epsilon: float | None = None  # of a component of a VAE's ε; None: no limit
    optimizer: str = "adam"  # Keras's name for it
    learning_rate: float = 1e-3  # the highest of the schedule
    schedule: str = "constant"  # or "cosine": down to zero at the last step
    warmup: float = 0.0  # share of all steps in which the rate rises from zero
    optimizer_epsilon: float | None = None  # in nats per image; None: Keras's
    epochs: int = 3  # passes over the training images
    batch_size: int = 100  # images a step
    shuffle: bool = True  # every epoch; without it the same order again
    sample_weights: str | None = None  # "b": an image weighs less the larger its b;
    #                                    "b-batch": a batch by its mean, as the source
    images: int | None = None  # of the training set, drawn by the seed; None: all
    test_images: int | None = None  # to validate and to measure on; None: all

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(
                f"There is no scale {self.scale!r}: choose one of {', '.join(SCALES)}."
            )
        for field in POSITIVE:
            self._check(field, "positive", lambda value: value > 0)
        for field in PERHAPS:
            if getattr(self, field) is not None:
                mend = f"positive; {field}=none for {PERHAPS[field]}"
                self._check(field, mend, lambda value: value > 0)
        for field in NOT_NEGATIVE:
            if getattr(self, field) is not None:
                self._check(field, "0 or more", lambda value: value >= 0)
        if self.gamma is not None:
            self._check("gamma", "finite", lambda value: True)
        if not self.filters or not min(self.filters) > 0:
            raise ValueError(
                f"filters of recipe {self.name!r} are {self.filters}: give 1 or more "
                "a layer."
            )
        if self.schedule not in SCHEDULES or not 0 <= self.warmup < 1:
            raise ValueError(
                f"Recipe {self.name!r}: the schedule is one of {', '.join(SCHEDULES)} "
                f"and warmup a share of the steps, in [0, 1), not {self.schedule!r} "
                f"and {self.warmup}."
            )
        if self.schedule == "constant" and self.warmup:
            raise ValueError(
                f"Recipe {self.name!r}: a constant learning rate has no warmup; take "
                'schedule="cosine".'
            )
        if self.model == "autoencoder" and self.posterior_sd is not None:
            raise ValueError(
                f"Recipe {self.name!r}: an autoencoder has no posterior; leave "
                "posterior_sd none."
            )
        if (self.model in WITHOUT_BETA) != (self.beta is None):
            raise ValueError(
                f"Recipe {self.name!r}: a VAE needs a beta, an autoencoder has none."
            )
        if self.model in WITHOUT_BETA and self.max_epsilon is not None:
            raise ValueError(
                f"Recipe {self.name!r}: max_epsilon limits the ε of a VAE, and "
                f"{self.model!r} has none."
            )
        sizes = self.kernel_sizes
        if sizes is not None and (
            len(sizes) != len(self.filters) or not min(sizes) > 0
        ):
            raise ValueError(
                f"kernel_sizes of recipe {self.name!r} are {sizes}: give one side, 1 "
                f"or more, to each of the {len(self.filters)} filters."
            )
        if (self.model in WITH_GAMMA) != (self.gamma is not None):
            raise ValueError(
                f"Recipe {self.name!r}: gamma is {self.gamma}, which does not go with "
                f"{self.model!r}: {', '.join(WITH_GAMMA)} need one, no other has one."
            )
        for field, choices in CHOICES.items():
            if getattr(self, field) not in (None, *choices):
                raise ValueError(
                    f"{field} of recipe {self.name!r} is {getattr(self, field)!r}: "
                    f"choose one of {', '.join(choices)}."
                )

    def _check(self, field: str, wanted: str, fits: Callable[[float], bool]) -> None:
        """Raise ValueError unless a number is finite and fits; 0 is never none."""
        value = getattr(self, field)
        if not math.isfinite(value) or not fits(value):
            raise ValueError(
                f"{field} of recipe {self.name!r} is {value}: it must be {wanted}."
            )

    @property
    def is_variant(self) -> bool:
        """Whether this is a recipe of the catalogue with other values."""
        return "+" in self.name

    @property
    def fields(self) -> dict[str, Any]:
        """Every field but the name, as plain values."""
        return {k: _plain(v) for k, v in asdict(self).items() if k != "name"}

    @property
    def digest(self) -> str:
        """SHA-256 over the fields, as 64 hexadecimal digits."""
        return digest(self.fields)

    def changed_since(self, recorded: dict[str, Any]) -> list[str]:
        """Return the names of the fields that differ from the `fields` in a record.

        A field that came into being after the record counts as having had its default
        then: a new one must be declared so that its default is what was done before.
        """
        before = {f.name: _plain(f.default) for f in fields(self)} | recorded
        now = self.fields
        known = now.keys() | recorded.keys()
        return sorted(k for k in known if before.get(k) != now.get(k))


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value


def digest(fields: dict[str, Any]) -> str:
    """Return the SHA-256 of a recipe's fields, or of those a record holds."""
    canonical = json.dumps(fields, sort_keys=True)
    return atomic.sha256(canonical.encode())
