"""Records of an older version: refused, and written anew under today's names."""

import json
import shutil

import pytest

from vaetut.__main__ import main
from vaetut.atomic import RunError
from vaetut.recipes.recipe import digest
from vaetut.runs import migrate as migrating
from vaetut.runs.migrate import migrate
from vaetut.runs.old_names import FIELDS, renamed_metric, renamed_recipe
from vaetut.runs.record import read_record, sign
from vaetut.runs.store import SHIPPED, survey

TODAY = {value: key for key, value in FIELDS.items()}
NAME = "polar-reference+sample_weights=none"
OLD_NAME = "polar-reference+weights=none"


def older(content):
    """Return the content of a record of stars as the version before wrote it."""

    def name(metric):
        if metric.endswith("_excess_bce"):
            return metric.removesuffix("_bce")
        metric = metric.replace("largest_step", "gap")
        before = {"reconstruction_sampled": "reconstruction", "bce_floor": "floor"}
        return before.get(metric, metric)

    content = {key: value for key, value in content.items() if key != "sha256"}
    for part in ("metrics", "profiles"):
        content[part] = {name(key): value for key, value in content[part].items()}
    fields = {TODAY.get(key, key): value for key, value in content["fields"].items()}
    content |= {"fields": fields, "digest": digest(fields)}
    content["recipe"] = content["recipe"].replace("sample_weights", "weights")
    return {"sha256": sign(content)} | content


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


@pytest.fixture
def root(tmp_path):
    """A folder with an older run whose recipe had another name, and one of today."""
    content = json.loads((SHIPPED / NAME / "laptop" / "seed-0.json").read_bytes())
    path = write(tmp_path / OLD_NAME / "laptop" / "seed-0.json", older(content))
    path.with_suffix(".safetensors").write_bytes(b"weights")
    (path.parent / ".seed-0.lock").touch()
    target = tmp_path / "fashion-ae" / "full" / "seed-0.json"
    target.parent.mkdir(parents=True)
    shutil.copyfile(SHIPPED / "fashion-ae" / "full" / "seed-0.json", target)
    return tmp_path


def old_path(root):
    return root / OLD_NAME / "laptop" / "seed-0.json"


def test_a_record_of_older_names_is_refused_with_the_command(root):
    with pytest.raises(RunError, match=r"names of an older version.*`vaetut migrate`"):
        read_record(old_path(root))


def test_the_command_that_a_message_names_mends_it(root, monkeypatch):
    monkeypatch.setenv("VAETUT_RUNS", str(root))
    write(root / "fashion-ae" / "laptop" / "seed-0.json", older_of_today())
    found = survey(root)
    assert len(found.damaged) == 3 and not found.strangers  # weights are missing, too
    told = [text for text in found.damaged if "`vaetut migrate`" in text]
    assert len(told) == 2
    assert main(["migrate"]) == 0
    assert not any("vaetut migrate" in text for text in survey(root).damaged)


def older_of_today():
    """Return a record of older names whose recipe has kept its own."""
    path = SHIPPED / "fashion-ae" / "full" / "seed-0.json"
    content = json.loads(path.read_bytes()) | {"scale": "laptop"}
    del content["sha256"]
    fields = content["fields"] | {"clip": None}
    content |= {"fields": fields, "digest": digest(fields)}
    return {"sha256": sign(content)} | content


def test_names_change_and_no_value(root):
    (written,) = migrate(root)
    assert written == root / NAME / "laptop" / "seed-0.json"
    shipped = SHIPPED / NAME / "laptop" / "seed-0.json"
    assert read_record(written) == read_record(shipped)
    assert written.read_bytes() == shipped.read_bytes()


def test_weights_move_with_the_recipes_name(root):
    (written,) = migrate(root)
    assert written.with_suffix(".safetensors").read_bytes() == b"weights"
    assert sorted(path.name for path in root.iterdir()) == ["fashion-ae", NAME]


def test_what_is_of_today_is_left_alone(root):
    def files():
        found = sorted(path for path in root.rglob("*") if path.is_file())
        return [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in found]

    assert len(migrate(root)) == 1
    before = files()
    assert migrate(root) == [] and files() == before
    assert migrate(root / "none") == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text.replace('"seed": 0', '"seed": 1'), "The record was altered"),
        (lambda text: text[: len(text) // 2], "not a whole run record"),
        (lambda text: "{}", "not a whole run record"),
        (lambda text: "[]", "not a whole run record"),
    ],
    ids=["altered", "half", "empty", "other"],
)
def test_a_record_that_is_damaged_is_named_and_left_alone(damage, words, root):
    path = old_path(root)
    text = damage(path.read_text())
    path.write_text(text)
    with pytest.raises(RunError, match=f"seed-0.json.*{words}"):
        migrate(root)
    assert path.read_text() == text and path.with_suffix(".safetensors").exists()


@pytest.mark.attack("runs folder")
def test_what_cannot_be_migrated_is_named_and_ends_no_other(root):
    """Damaged, of another recipe's path, which might lead anywhere, or no file."""
    content = json.loads(old_path(root).read_bytes())
    del content["sha256"]
    content["recipe"] = "../../elsewhere+weights=none"
    signed = {"sha256": sign(content)} | content
    write(old_path(root).with_name("seed-7.json"), signed)
    old_path(root).with_name("seed-8.json").write_text("{")
    old_path(root).with_name("seed-9.json").mkdir()
    with pytest.raises(RunError) as error:
        migrate(root)
    *named, last = str(error.value).splitlines()
    assert [line.split("seed-")[1][0] for line in named] == ["7", "8", "9"]
    assert last == "Written anew: 1."
    written = root / NAME / "laptop" / "seed-0.json"
    assert read_record(written).seed == 0 and not old_path(root).exists()
    assert not list(root.parent.glob("elsewhere*"))


def test_another_run_of_the_new_name_is_not_written_over(root):
    other = json.loads((SHIPPED / NAME / "laptop" / "seed-1.json").read_bytes())
    write(root / NAME / "laptop" / "seed-0.json", other)
    with pytest.raises(RunError, match="is there already: move one of the two away"):
        migrate(root)
    assert old_path(root).exists()


def test_a_move_that_broke_off_goes_on(root, monkeypatch):
    def broken(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        unlink = type(root).unlink
        patch.setattr(type(root), "unlink", lambda self, **_: broken(self))
        with pytest.raises(KeyboardInterrupt):
            migrate(root)
        assert type(root).unlink is not unlink
    (written,) = migrate(root)
    assert written.with_suffix(".safetensors").read_bytes() == b"weights"
    assert sorted(path.name for path in root.iterdir()) == ["fashion-ae", NAME]


def test_names_depend_on_what_was_measured():
    stars, clothes = {"hole_iou": 1.0}, {"neighbour_accuracy": 1.0}
    faces = {"frechet_prior": 1.0}
    expected = {
        ("floor", "stars"): "bce_floor",
        ("floor", "clothes"): "floor",
        ("kurtosis", "stars"): "excess_kurtosis",
        ("kurtosis", "clothes"): "mardia_kurtosis",
        ("skewness", "clothes"): "mardia_skewness",
        ("reconstruction", "stars"): "reconstruction_sampled",
        ("reconstruction", "clothes"): "reconstruction",
        ("excess", "clothes"): "excess",
        ("hole_excess", "stars"): "hole_excess_bce",
        ("P1_gap", "stars"): "P1_largest_step",
        ("gap_box", "clothes"): "gap_box",
        ("coordinate_kurtosis", "faces"): "coordinate_excess_kurtosis",
        ("balanced_smiling", "faces"): "balanced_accuracy_smiling",
        ("balanced_accuracy", "faces"): "balanced_accuracy",
    }
    kinds = {"stars": stars, "clothes": clothes, "faces": faces}
    for (name, kind), today in expected.items():
        assert renamed_metric(name, kinds[kind]) == today
        assert renamed_metric(today, kinds[kind]) == today


def test_a_recipes_settings_stay_in_the_order_of_their_names():
    assert renamed_recipe("a+clip=5+epochs=2+kernels=3x3") == (
        "a+epochs=2+kernel_sizes=3x3+max_epsilon=5"
    )
    assert renamed_recipe("fashion-vae+beta=2") == "fashion-vae+beta=2"
    assert migrating.renamed_recipe is renamed_recipe
