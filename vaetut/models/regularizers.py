"""VAEs whose loss has one term more, meant to disentangle the codes.

Each overrides the regularizer alone: beta times the KL divergence, as in a VAE, plus
gamma times a term in nats per image. Chapter 09 compares them.
"""

import math
from typing import Any

import keras
from keras import ops

from vaetut.models.tensor import Tensor
from vaetut.models.vae import VAE, draw_codes


class _WithTerm(VAE):
    """A VAE with regularizer = beta · KL + gamma · `term(mean, log_var)`."""

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        beta: float = 1.0,
        gamma: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, beta=beta, **kwargs)
        self.gamma = self.check_gamma(gamma)
        if decoder.input_shape[-1] < 2:
            raise ValueError(
                f"{type(self).__name__} compares pairs of latent dimensions and there "
                "is one: give encoder and decoder two or more."
            )

    @staticmethod
    def check_gamma(gamma: float) -> float:
        """Return gamma as a float; raises ValueError if it is negative or infinite."""
        if not 0 <= gamma < math.inf:
            raise ValueError(f"gamma must be finite and 0 or more, not {gamma}.")
        return float(gamma)

    def term(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return what gamma multiplies, (n,) or the batch's one number."""
        raise NotImplementedError

    def regularizer(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return beta · KL + gamma · `term`, (n,) in nats per image."""
        mean, log_var = ops.cast(mean, "float32"), ops.cast(log_var, "float32")
        return super().regularizer(mean, log_var) + self.gamma * self.term(
            mean, log_var
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this model again."""
        return super().get_config() | {"gamma": self.gamma}


@keras.saving.register_keras_serializable(package="vaetut")
class EntanglementVAE(_WithTerm):
    """A VAE with a penalty on products of latent units, `entanglement_loss`.

    gamma may be negative, which rewards them. Raises ValueError for one latent
    dimension or a gamma that is not finite. Source: M-Lin-DM 2021, "Zero-shot Learning
    with VAEs", part 3. Taught in chapter 09.
    """

    @staticmethod
    def check_gamma(gamma: float) -> float:
        """Return gamma as a float; raises ValueError if it is not finite."""
        if not math.isfinite(gamma):
            raise ValueError(f"gamma must be finite, not {gamma}.")
        return float(gamma)

    def term(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return `entanglement_loss`, (n,), of the means (n, d)."""
        return entanglement_loss(mean)


@keras.saving.register_keras_serializable(package="vaetut")
class DIPVAE(_WithTerm):
    """DIP-VAE: a VAE that penalises codes whose covariance is not the identity.

    With `of` = "means" it is that of μ (DIP-VAE-I), with "codes" of z (DIP-VAE-II).
    gamma is λ_od, and λ_d is `diagonal` times that: 10 and 1 unless given, as in the
    paper. The covariance is the batch's. Raises ValueError for one latent dimension, a
    negative gamma, or another `of`. Source: Kumar, Sattigeri and Balakrishnan 2018
    (arXiv:1711.00848), equations 6 and 7.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        of: str = "means",
        diagonal: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        if of not in ("means", "codes"):
            raise ValueError(f'of must be "means" or "codes", not {of!r}.')
        usual = {"means": 10.0, "codes": 1.0}
        self.of, self.diagonal = of, usual[of] if diagonal is None else diagonal

    def term(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return `dip_penalty`, one number, of the batch's covariance."""
        covariance = batch_covariance(mean)
        if self.of == "codes":
            covariance = covariance + ops.diag(ops.mean(ops.exp(log_var), axis=0))
        return dip_penalty(covariance, self.diagonal)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this model again."""
        return super().get_config() | {"of": self.of, "diagonal": self.diagonal}


@keras.saving.register_keras_serializable(package="vaetut")
class TCVAE(_WithTerm):
    """β-TC-VAE: a VAE with a penalty on the dependence among its latent units.

    The term is `total_correlation` of codes drawn for it. The paper's β, which weighs
    this part of the KL alone, is 1 + gamma at beta = 1. The estimate is the batch's, so
    train with large batches. Raises ValueError for one latent dimension or a negative
    gamma. Source: Chen et al. 2018 (arXiv:1802.04942), equation 4.
    """

    draws = 2

    def term(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return `total_correlation`, (n,) in nats, of freshly drawn codes."""
        epsilon = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        codes = draw_codes(mean, log_var, epsilon)
        return total_correlation(codes, mean, log_var)


def entanglement_loss(mean: Tensor) -> Tensor:
    """Return the mean of |μ_i μ_j| over all pairs of units i < j, (n,), of (n, d).

    For units of mean 0, its mean over images is at least the mean size of their
    covariances.
    """
    size = ops.abs(mean)
    # (Σ|μ_i|)² = Σ μ_i² + 2 Σ_{i<j} |μ_i μ_j|
    twice = ops.square(ops.sum(size, axis=-1)) - ops.sum(ops.square(mean), axis=-1)
    return twice / (mean.shape[-1] * (mean.shape[-1] - 1))


def batch_covariance(values: Tensor) -> Tensor:
    """Return the covariance (d, d) of the rows of a batch (n, d), divided by n."""
    centred = values - ops.mean(values, axis=0)
    return ops.matmul(ops.transpose(centred), centred) / ops.cast(
        ops.shape(values)[0], "float32"
    )


def dip_penalty(covariance: Tensor, diagonal: float) -> Tensor:
    """Return Σ_{i≠j} C_ij² + diagonal · Σ_i (C_ii − 1)², a number, of C (d, d).

    Source: Kumar, Sattigeri and Balakrishnan 2018 (arXiv:1711.00848), equations 6 and
    7, up to the factor λ_od.
    """
    variances = ops.diagonal(covariance)
    off = ops.sum(ops.square(covariance)) - ops.sum(ops.square(variances))
    return off + diagonal * ops.sum(ops.square(variances - 1.0))


def total_correlation(codes: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return log q(z) − Σ_j log q(z_j) of each code of a batch, (n,) in nats.

    q(z) is the mixture of the batch's own n posteriors, all arguments are (n, d). The
    paper divides by the number of training images as well: a constant, which has no
    gradient. The mean of it is at most (d − 1) log n, and biased. Source: Chen et al.
    2018 (arXiv:1802.04942), equation 5, "minibatch-weighted sampling".
    """
    apart = codes[:, None] - mean[None]  # code i from posterior k: (n, n, d)
    log_density = -0.5 * (
        math.log(2 * math.pi) + log_var[None] + ops.square(apart) * ops.exp(-log_var)
    )
    log_n = ops.log(ops.cast(ops.shape(mean)[0], "float32"))
    joint = ops.logsumexp(ops.sum(log_density, axis=-1), axis=1) - log_n
    each = ops.logsumexp(log_density, axis=1) - log_n
    return joint - ops.sum(each, axis=-1)
