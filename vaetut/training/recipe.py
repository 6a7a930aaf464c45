"""What a training is, as a value: everything that decides its outcome but the seed."""

import hashlib
import json
from dataclasses import asdict, dataclass

SCALES = ("full", "laptop", "smoke")  # the best first


@dataclass(frozen=True)
class Recipe:
    """A training to be run, at one scale; its digest changes with any field.

    Raises ValueError for an unknown scale or a number that makes no sense.
    """

    name: str  # as in `vaetut train NAME`
    scale: str  # "full": the source's; "laptop": minutes; "smoke": seconds
    dataset: str  # as in vaetut.datasets.load
    model: str  # "autoencoder" or "vae"
    latent_dim: int = 2  # dimensions of a code
    filters: tuple[int, ...] = (32, 64, 128)  # of the encoder, mirrored in the decoder
    beta: float | None = None  # weight of the KL loss, in nats per image; a VAE's only
    optimizer: str = "adam"  # Keras's name for it
    learning_rate: float = 1e-3  # constant
    epochs: int = 3  # passes over the training images
    batch_size: int = 100  # images a step
    images: int | None = None  # of the training set, drawn by the seed; None: all
    test_images: int | None = None  # to validate and to measure on; None: all

    def __post_init__(self):
        if self.scale not in SCALES:
            raise ValueError(
                f"There is no scale {self.scale!r}: choose one of {', '.join(SCALES)}."
            )
        for field in ("latent_dim", "learning_rate", "epochs", "batch_size"):
            if not getattr(self, field) > 0:
                raise ValueError(
                    f"{field} of recipe {self.name!r} is {getattr(self, field)}: "
                    "it must be positive."
                )
        if (self.model == "vae") != (self.beta is not None):
            raise ValueError(
                f"Recipe {self.name!r}: a VAE needs a beta, an autoencoder has none."
            )

    @property
    def fields(self) -> dict:
        """Every field but the name, as plain values."""
        fields = asdict(self) | {"filters": list(self.filters)}
        return {k: v for k, v in fields.items() if k != "name"}

    @property
    def digest(self) -> str:
        """SHA-256 over the fields, as 64 hexadecimal digits."""
        canonical = json.dumps(self.fields, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
