"""What every shipped run must satisfy, whatever its numbers are."""

import numpy as np
import pytest

from vaetut.training import BETAS, CATALOGUE, get_recipe, records, summary, sweep_name

SHIPPED = [record for name in CATALOGUE for record in records(name)]
VAES = [record for record in SHIPPED if "kl" in record.metrics]


def name(record):
    return f"{record.recipe}-{record.seed}"


@pytest.mark.parametrize("record", SHIPPED, ids=name)
def test_total_is_reconstruction_plus_beta_kl(record):
    beta = get_recipe(record.recipe).beta or 0
    assert len(record.history["loss"]) == get_recipe(record.recipe).epochs
    for split in ("", "val_"):
        total, rec = (
            np.array(record.history[split + k]) for k in ("loss", "reconstruction")
        )
        kl = np.array(record.history.get(f"{split}kl", 0.0))
        np.testing.assert_allclose(total, rec + beta * kl, rtol=2e-6)


@pytest.mark.parametrize("record", SHIPPED, ids=name)
def test_no_reconstruction_is_better_than_the_floor(record):
    assert 0 < record.metrics["floor"] < record.metrics["reconstruction"]
    assert all(np.isfinite(list(record.metrics.values())))


@pytest.mark.parametrize("record", VAES, ids=name)
def test_the_kl_is_information_and_misfit(record):
    found = record.metrics
    parts = found["mutual_information"] + found["marginal_kl"]
    assert found["kl"] == pytest.approx(parts, rel=1e-6)
    assert found["mutual_information"] < np.log(10_000) + 0.1
    assert found["elbo"] == pytest.approx(
        -found["reconstruction_sampled"] - found["kl"]
    )


@pytest.mark.parametrize("record", VAES, ids=name)
def test_bounds_lie_below_what_they_bound(record):
    found = record.metrics
    assert found["elbo_few"] <= found["iw_bound_few"]
    if "evidence" in found:
        assert found["iw_bound_few"] <= found["evidence_few"]
        assert found["elbo_some"] <= found["evidence"]


def test_enough_seeds_for_every_comparison():
    assert len(records("fashion-ae")) >= 5 and len(records("fashion-vae")) >= 5
    assert all(len(records(sweep_name(beta))) >= 2 for beta in BETAS)


def test_the_source_is_matched_on_its_own_recipes():
    """Its author reports 0.2540 and 135.89, one run each."""
    assert summary("fashion-ae")["bce"].mean <= 0.2570
    assert summary("fashion-vae")["total"].mean * 500 / 1024 <= 135.89


def test_the_sweep_leads_from_an_autoencoder_to_collapse():
    found = [summary(sweep_name(beta)) for beta in BETAS]
    kl = [metrics["kl"].mean for metrics in found]
    assert kl == sorted(kl, reverse=True)
    assert found[0]["active_units"].mean == 2 and found[-1]["active_units"].mean == 0
    assert kl[-1] < 0.01
