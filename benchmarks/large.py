"""The large models in plain PyTorch: the zero-shot reference, and the VAE of faces.

Each is what one would write without this library, with the same arithmetic: equal
weights give equal losses in nats per image, and `tests/unit/test_card.py` holds that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

    from vaetut.recipes import Recipe

Tensor = Any  # of PyTorch
NORM = {"eps": 1e-3, "momentum": 0.01}  # Keras's


def torch_model(recipe: Recipe, shape: tuple[int, int, int]) -> torch.nn.Module:
    """Return the VAE of a recipe of the network "reference" or "faces".

    It maps images (n, c, h, w) in [0, 1] to logits, mean and log-variance. `shape` is
    an image's height, width and channels. Raises KeyError for another network.
    """
    import torch
    from torch import nn

    parts = {"reference": _reference, "faces": _faces}[recipe.network]
    features, before, decoder = parts(recipe.filters, shape)
    with torch.no_grad():
        size = features(torch.zeros(1, shape[2], *shape[:2])).numel()
    fixed = recipe.posterior_sd

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = features
            heads = 1 if fixed else 2
            self.heads = nn.ModuleList(
                nn.Linear(size, recipe.latent_dim) for _ in range(heads)
            )
            bias = recipe.network != "reference"
            self.dense = nn.Linear(recipe.latent_dim, math.prod(before), bias=bias)
            self.decoder = decoder

        def forward(self, images, epsilon=None):
            x = self.features(images).flatten(1)
            mean = self.heads[0](x).float()
            if fixed:
                log_var = torch.full_like(mean, 2 * math.log(fixed))
            else:
                log_var = self.heads[1](x).float()
            if epsilon is None:
                epsilon = torch.randn_like(mean)
            codes = mean + torch.exp(0.5 * log_var) * epsilon
            x = self.dense(codes).unflatten(1, before)
            return self.decoder(x), mean, log_var

    return Net()


def _reference(filters, shape):
    from torch import nn

    def norm(width):
        return nn.BatchNorm2d(width, **NORM)

    features, channels = nn.Sequential(), shape[2]
    for width in filters:
        features += nn.Sequential(
            nn.Conv2d(channels, width, 3), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)
        )
        channels = width
    narrow = filters[0] // 4
    decoder, channels = nn.Sequential(nn.ReLU()), narrow
    for width in filters[:3]:
        decoder += nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.ConvTranspose2d(channels, width, 3, padding=1),
            nn.ReLU(),
            norm(width),
        )
        channels = width
    mixed = 2 * filters[3]
    decoder += nn.Sequential(
        nn.ConvTranspose2d(channels, mixed, 1),
        nn.ReLU(),
        norm(mixed),
        nn.ConvTranspose2d(mixed, shape[2], 1),
    )
    return features, (narrow, shape[0] // 8, shape[1] // 8), decoder


def _faces(filters, shape):
    from torch import nn

    features, channels = nn.Sequential(), shape[2]
    for width in filters:
        features += nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            nn.BatchNorm2d(width, **NORM),
            nn.LeakyReLU(0.3),
        )
        channels = width
    decoder = nn.Sequential()
    up = {"stride": 2, "padding": 1, "output_padding": 1}
    for width in filters[-2::-1]:
        decoder += nn.Sequential(
            nn.ConvTranspose2d(channels, width, 3, **up),
            nn.BatchNorm2d(width, **NORM),
            nn.LeakyReLU(0.3),
        )
        channels = width
    decoder += nn.Sequential(nn.ConvTranspose2d(channels, shape[2], 3, **up))
    sides = (side // 2 ** len(filters) for side in shape[:2])
    return features, (filters[-1], *sides), decoder


def torch_loss(
    recipe: Recipe, images: Tensor, logits: Tensor, mean: Tensor, log_var: Tensor
) -> Tensor:
    """Return the mean loss in nats per image, a scalar tensor."""
    from torch.nn import functional

    entropy = functional.binary_cross_entropy_with_logits(
        logits.float(), images, reduction="sum"
    )
    kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum()
    return (entropy + recipe.beta * kl) / len(images)


def torch_way(
    recipe: Recipe, images: np.ndarray, steps: int, precision: str
) -> Callable[[], float]:
    """Return a function that makes so many steps of training, as one would write it.

    `images` (n, h, w, c) uint8 lie on the device, channels last; layers compute in
    bfloat16 by autocast, or in float32. The function returns the last loss.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    planes = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
    network = torch_model(recipe, images.shape[1:]).to(device)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, eps=1e-7
    )
    half = precision == "bfloat16"

    def run() -> float:
        for k in range(steps):
            start = k * recipe.batch_size % len(planes)
            batch = planes[start : start + recipe.batch_size].float() / 255
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                outputs = network(batch)
            loss = torch_loss(recipe, batch, *outputs)
            loss.backward()
            optimizer.step()
        return loss.item()

    return run
