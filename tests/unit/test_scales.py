"""Which scale the book shows, with records at full scale that nobody trained."""

import json
import shutil
from dataclasses import replace

import pytest

from vaetut import claims
from vaetut.recipes import get_recipe
from vaetut.runs import load_or_train, pipeline, records, scales, store, summary
from vaetut.runs.record import commit, read_record
from vaetut.runs.store import SHIPPED, stem
from vaetut.runs.tables import on_a_card

ONE, OTHER = "faces-vae", "faces-ae"
METRIC = "kl"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of shipped runs: two recipes, compared, at laptop scale."""
    monkeypatch.delenv("VAETUT_SCALE", raising=False)
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "own"))
    root = tmp_path / "shipped"
    for name in (ONE, OTHER):
        shutil.copytree(SHIPPED / name / "laptop", root / name / "laptop")
    monkeypatch.setattr(scales, "COMPARED", ((ONE, OTHER),))
    monkeypatch.setattr(records, "__defaults__", (None, root))
    for module in (store, pipeline):
        monkeypatch.setattr(module, "SHIPPED", root)
    return root


def plant(root, name, seeds=3, more=10.0):
    """Write records at full scale, as from a card, whose metrics are larger."""
    recipe = get_recipe(name, "full")
    for seed in range(seeds):
        path = root / name / "laptop" / f"seed-{seed}.json"
        record = read_record(path)
        record = replace(
            record,
            # As long as the recipe's: what comes after the laptop's is its last.
            history={
                k: (v + v[-1:] * recipe.epochs)[: recipe.epochs]
                for k, v in record.history.items()
            },
            **{"scale": "full", "fields": recipe.fields, "digest": recipe.digest},
            metrics={k: v + more for k, v in record.metrics.items()},
            hardware="a processor, 16 cores, NVIDIA H200",
            versions=record.versions | {"driver": "580.1"},
            images_per_second=1000.0 + seed,
            seconds=60.0,
        )
        commit(stem(root, recipe, seed), record, None)


def test_a_record_at_full_scale_waits_for_what_it_is_compared_with(folder):
    plant(folder, ONE)
    assert scales.scale_of(ONE, folder) == scales.scale_of(OTHER, folder) == "laptop"
    assert {record.scale for record in records(ONE)} == {"laptop"}
    plant(folder, OTHER)
    for name in (ONE, OTHER):
        assert {record.scale for record in records(name)} == {"full"}
    assert summary(ONE)[METRIC].mean > summary(ONE, "laptop")[METRIC].mean + 9


def test_one_switch_sets_the_scale_of_all(folder, monkeypatch):
    for name in (ONE, OTHER):
        plant(folder, name)
    monkeypatch.setenv("VAETUT_SCALE", "laptop")
    assert {record.scale for record in records(ONE)} == {"laptop"}
    monkeypatch.setenv("VAETUT_SCALE", "smoke")  # of which none are shipped
    assert {record.scale for record in records(ONE)} == {"full"}
    monkeypatch.setenv("VAETUT_SCALE", "large")
    with pytest.raises(ValueError, match="'large': there are the scales full, laptop"):
        records(ONE)


def test_what_is_compared_with_nothing_shows_its_largest_scale(folder, monkeypatch):
    plant(folder, ONE)
    monkeypatch.setattr(scales, "COMPARED", ())
    assert scales.scale_of(ONE, folder) == "full"
    assert scales.scale_of("polar-vae", folder) is None
    assert records("polar-vae") == []


def test_figures_are_of_the_scale_of_the_records(folder):
    plant(folder, ONE)
    path = stem(folder, get_recipe(ONE, "full"), 0).with_suffix(".safetensors")
    laptop = stem(folder, get_recipe(ONE, "laptop"), 0).with_suffix(".safetensors")
    shutil.copyfile(laptop, path)  # whatever is in it, it is not opened
    assert load_or_train(ONE, say=str).record.scale == "laptop"


def test_a_claim_is_judged_at_both_scales(folder, tmp_path):
    plant(folder, ONE, seeds=4)
    text = f"""
    [[claim]]
    chapter = 4
    claim = "A claim."
    whose = "ours"
    source = "Zero-shot post, sec. 1"
    section = "A section"
    theirs = "nothing"
    metric = "{ONE}:{METRIC}"
    holds = "> {summary(ONE)[METRIC].mean + 5}"
    """
    path = tmp_path / "claims.toml"
    path.write_text(text)
    (row,) = claims.rows(path)
    assert (row.scale, row.n, row.verdict) == ("full", 4, "confirmed")
    (other,) = row.also
    assert (other.scale, other.alone) == ("laptop", "refuted")
    assert row.mean - other.mean > 5 and "laptop scale" in other.basis
    (said,) = json.loads(json.dumps(row.json))["also"]
    assert (said["scale"], said["alone"]) == ("laptop", "refuted")


def test_prose_follows_the_records(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "CATALOGUE", (ONE, OTHER))
    monkeypatch.setattr(claims, "EXPERIMENTS", {})
    monkeypatch.setattr(claims, "DRAWN", {})
    path = tmp_path / "claims.toml"
    path.write_text("")
    before = claims.substitutions(path)["faces_vae"]
    for name in (ONE, OTHER):
        plant(folder, name)
    after = claims.substitutions(path)["faces_vae"]
    assert after[METRIC].mean > before[METRIC].mean + 9
    assert after["hardware"].endswith("H200") and after["seeds"] == 3


def test_what_a_training_took_on_a_card_is_read_from_its_records(folder):
    assert on_a_card(folder) == []
    plant(folder, ONE, seeds=2)
    (row,) = on_a_card(folder)
    assert row == {
        "recipe": ONE,
        "scale": "full",
        "card": "NVIDIA H200",
        "seeds": 2,
        "seconds": 60.0,
        "images_per_second": 1000.5,
    }


def test_today_every_recipe_is_shown_at_its_largest_scale():
    """No record of the course is of a card yet: nothing waits for others."""
    for group in scales.COMPARED:
        for name in group:
            best = next((s for s in scales.SCALES if records(name, s)), None)
            assert scales.scale_of(name, SHIPPED) == best


def test_no_recipe_is_compared_in_two_groups_by_two_names():
    for group in scales.COMPARED:
        assert all(get_recipe(name).name == name for name in group)
