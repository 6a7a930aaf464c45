"""The registry of metrics: what every recorded number is, under one name each."""

import json

import pytest

from vaetut import metrics
from vaetut.metrics import OF_PROFILES, REGISTRY, check_names, metric
from vaetut.runs.store import SHIPPED


@pytest.fixture(scope="module")
def recorded():
    """The names of all metrics and of all profiles in shipped records."""
    names, profiles = set(), set()
    for path in SHIPPED.glob("*/*/*.json"):
        content = json.loads(path.read_bytes())
        names |= content["metrics"].keys()
        profiles |= content.get("profiles", {}).keys()
    return names, profiles


def entries(name, registry):
    return [m for m in registry if metrics._pattern(m.name).fullmatch(name)]


def test_every_recorded_number_is_registered_once(recorded):
    names, profiles = recorded
    assert len(names) > 150 and len(profiles) > 10
    check_names(names, profiles)
    for name in names:
        (entry,) = entries(name, REGISTRY)
        assert metric(name) == entry._replace(name=name)
    for name in profiles:
        # A profile along the images of a region has its mean among the metrics.
        assert len(entries(name, (*REGISTRY, *OF_PROFILES))) == 1, name


def test_no_two_entries_share_a_name(recorded):
    names = [entry.name for entry in (*REGISTRY, *OF_PROFILES)]
    assert len(set(names)) == len(names)
    for name in (name for name in names if "{" not in name):
        assert len(entries(name, REGISTRY)) <= 1, name


@pytest.mark.parametrize("entry", [*REGISTRY, *OF_PROFILES], ids=lambda e: e.name)
def test_an_entry_says_what_it_is(entry):
    assert entry.meaning and entry.per
    assert entry.better in ("", "lower", "higher")
    assert entry.codes in ("", "means", "sampled")


def test_the_unit_says_of_what():
    units = {"bce": "nats per subpixel", "floor": "nats per image", "hole_iou": ""}
    units |= {"bce_floor": "nats per subpixel", "hole_chamfer": "pixels"}
    units |= {"marginal_kl": "nats", "hole_excess_bce": "nats per subpixel"}
    assert {name: metric(name).label for name in units} == units


@pytest.mark.parametrize("name", ["bces", "moon_iou", "probe_accuracy_", "hole_", ""])
def test_a_name_that_is_not_registered_is_refused_with_the_mend(name):
    if name == "probe_accuracy_":  # an attribute may be called anything
        assert metric(name).name == name
        return
    with pytest.raises(ValueError, match=f"no metric '{name}'.*vaetut/metrics.py"):
        metric(name)
    with pytest.raises(ValueError, match=f"no metric '{name}'"):
        check_names(["bce", name])
    with pytest.raises(ValueError, match="no profile 'radii': register it in"):
        check_names(["bce"], ["radius", "radii"])


def test_a_near_name_is_offered():
    with pytest.raises(ValueError, match="is it bce or"):
        metric("bces")
