"""The command line: its output, its errors in one line, its exit status."""

import io
import json
import os
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import keras
import pytest

from vaetut.__main__ import main


def test_runs_as_json_have_the_promised_keys(capsys):
    assert main(["runs", "--json"]) == 0
    rows = {row["recipe"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["fashion-ae"]
    assert row["parameters"] == {"encoder": 96770, "decoder": 246273, "total": 343043}
    assert row["seeds"] >= 5 and not row["stale"]
    assert row["metrics"]["bce"].keys() == {"mean", "low", "high", "n", "unit"}
    units = {name: row["metrics"][name]["unit"] for name in ("bce", "floor")}
    assert units == {"bce": "nats per subpixel", "floor": "nats per image"}
    assert {"scale", "hardware", "backend", "seconds"} <= row.keys()


def test_runs_as_text_are_a_table_of_every_recipe(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    head, row = out.splitlines()[1:3]
    assert head.split()[:4] == ["recipe", "scale", "seeds", "seconds"]
    assert row.index("full") == head.index("scale")
    assert "fashion-vae-beta-128" in out and f"Your own, in {tmp_path}: none" in out


def test_runs_name_what_is_stale_or_missing_and_show_your_own(capsys, monkeypatch):
    from vaetut.recipes import CATALOGUE
    from vaetut.runs import list_runs

    row = list_runs()[0] | {"peak_memory_mb": 1234}
    own = row | {"scale": "laptop", "stale": True}
    monkeypatch.setattr("vaetut.runs.list_runs", lambda: [])
    monkeypatch.setattr("vaetut.runs.store.rows", lambda found: [own])
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    assert "Shipped with the course: none" in out and "STALE" in out
    assert f"Stale: {row['recipe']} laptop. vaetut train" in out and "1,234" in out
    assert f"Not shipped: {', '.join(CATALOGUE)}." in out


def test_claims_as_json_have_the_promised_keys(capsys):
    assert main(["claims", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    text = {"claim", "whose", "source", "theirs", "of", "scale", "rule"}
    for row in rows:
        assert {
            "chapter",
            "mean",
            "low",
            "high",
            "n",
            "paired",
            "p",
            "verdict",
        } < row.keys()
        assert all(isinstance(row[key], str) for key in text)
        assert row["low"] <= row["mean"] <= row["high"] and row["n"] > 1
        tested = row["kind"] == "test"
        assert tested == (row["verdict"] is not None) == (row["p"] is not None)
    first = rows[0]
    assert (first["chapter"], first["scale"], first["of"]) == (1, "full", "seeds")


def test_claims_as_text_are_a_table_with_a_sum(capsys, monkeypatch, tmp_path):
    from vaetut import claims

    found = claims.rows(claims.CLAIMS, chapter=7)
    monkeypatch.setattr(claims, "rows", lambda path: found)
    assert main(["claims"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["chapter", "verdict", "whose"]
    verdicts = [line.split()[1] for line in lines[1 : len(found) + 1]]
    assert verdicts.count("theorem") == sum(row.kind == "theorem" for row in found)
    assert lines[1].index("theirs") == lines[0].index("whose")
    assert lines[-1].startswith(f"{claims.count(found)} tested: ")
    monkeypatch.setattr(claims, "CLAIMS", tmp_path / "claims.toml")
    assert main(["claims"]) == 1
    assert "run from a checkout" in capsys.readouterr().err


@pytest.mark.attack("environment")
@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_stream_that_is_closed_is_no_error(stream, tmp_path):
    """Nor is it the number of a file, into which would go what is printed."""
    command = f"exec {sys.executable} -m vaetut data list {stream}>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("fashion-mnist" in done.stdout) == (stream != 1)


@pytest.mark.attack("environment")
def test_output_that_cannot_be_written_is_named():
    if not os.path.exists("/dev/full"):
        pytest.skip("no device that is full")
    command = [sys.executable, "-m", "vaetut", "data", "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("vaetut: ") and "No space left" in done.stderr


@pytest.mark.attack("environment")
def test_a_training_runs_whatever_the_environment(monkeypatch, tmp_path):
    """Output in ASCII, `~` for a home, warnings that are errors."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAETUT_RUNS", "~/runs")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["train", "fashion-vae", "--scale", "smoke"]) == 0
    assert rb"2.048\xb7" in raw.getvalue()  # β·KL
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert list(tmp_path.glob("runs/fashion-vae/smoke/seed-0.json"))


@pytest.mark.attack("environment")
def test_output_that_nobody_reads_is_no_error():
    read, write = os.pipe()
    os.close(read)  # as `head` does when it has its lines
    command = [sys.executable, "-m", "vaetut", "data", "list"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr


def test_verify_is_content_with_what_is_shipped(capsys):
    assert main(["verify"]) == 0


def test_verify_fails_and_names_a_damaged_file(capsys, monkeypatch, tmp_path):
    from vaetut.runs import verify

    bad = tmp_path / "fashion-ae" / "full" / "seed-0.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("{}")
    monkeypatch.setattr("vaetut.runs.verify", lambda: verify(tmp_path))
    assert main(["verify"]) == 1
    assert "seed-0.json" in capsys.readouterr().err


@pytest.fixture
def sources(monkeypatch):
    """One data set that ships with the course, and one that is made."""
    made = []
    shipped = SimpleNamespace(make=None, verify=lambda: [], about="70,000 images")
    drawn = SimpleNamespace(
        make=lambda folder, format: made.append((str(folder), format)) or [folder],
        verify=lambda: ["curves: 3.png is missing"],
        about="drawn",
    )
    sets = {"clothes": shipped, "curves": drawn}
    monkeypatch.setattr("vaetut.datasets.SOURCES", sets)
    return made


def test_data_sets_are_listed_and_made(capsys, sources):
    assert main(["data", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        *("clothes", "70,000", "images"),
        *("curves", "drawn"),
    ]
    assert main(["data", "make", "curves"]) == 0
    assert main(["data", "make", "curves", "--folder", "x", "--format", "png"]) == 0
    assert sources == [("curves", "npz"), ("x", "png")]
    assert (
        capsys.readouterr().out == "curves: 1 files in curves\ncurves: 1 files in x\n"
    )
    for name, word in (("clothes", "is not drawn"), ("faces", "clothes, curves")):
        assert main(["data", "make", name]) == 1
        assert word in capsys.readouterr().err


def test_data_that_is_wrong_is_named(capsys, sources):
    assert main(["data", "verify"]) == 1
    assert capsys.readouterr().err == "curves: 3.png is missing\n"


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["train", "fashion-gan"], "no recipe 'fashion-gan'"),
        (["train", "fashion-ae", "--scale", "tiny"], "full, laptop, smoke"),
        (["train", "fashion-ae", "--seeds", "0"], "no seeds"),
        (["train", "fashion-ae", "--devices", "tpu"], "tpu"),
        (["train", "fashion-ae", "--rank", "1"], "ank 1"),
        (["train", "fashion-ae", "--precision", "float8"], "float32, bfloat16"),
        (["train", "fashion-ae", "--devices", "2"], "KERAS_BACKEND=jax"),
        (["train", "fashion-ae+dataset=polar-64"], "cannot be measured"),
        (["train", "fashion-ae", "--backend", "jax"], "KERAS_BACKEND=jax"),
        (["sweep", "fashion-ae", "--seeds", "x"], "no seeds"),
        (["sweep", "fashion-ae", "--jobs", "0"], "at least one job"),
        (["sweep", "fashion-ae", "--precision", "float8"], "float32, bfloat16"),
        (["sweep", "fashion-ae", "--set", "lr=1"], "learning_rate"),
        (["sweep", "fashion-ae", "--set", "epochs=0"], "epochs"),
    ],
)
def test_a_bad_value_is_one_line_and_status_one(
    flags, word, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    assert main(flags if "--scale" in flags else [*flags, "--scale", "smoke"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("vaetut: ") and word in error and error.count("\n") == 1
    assert not list(tmp_path.rglob("seed-*"))  # no checkpoint, no weights


@pytest.mark.parametrize(
    "flags",
    [
        ["train", "fashion-ae", "--backend", "theano"],
        ["sweep", "fashion-ae", "--dask", "tcp://a:1", "--jobs", "2"],
        ["data", "make", "curves", "--format", "gif"],
    ],
)
def test_a_choice_that_there_is_not_is_status_two(flags, capsys):
    with pytest.raises(SystemExit) as end:
        main(flags)
    assert end.value.code == 2 and "vaetut" in capsys.readouterr().err


def test_a_backend_that_is_not_installed_is_named(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["train", "fashion-ae", "--backend", "jax"]) == 1
    assert "pip install jax" in capsys.readouterr().err


def test_the_backend_is_the_one_asked_for(monkeypatch):
    """It is set before Keras is there, which `test_flow` sees to."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("vaetut.recipes.get_recipe", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["train", "fashion-vae", "--backend", "torch"])
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_train_does_not_train_twice_unless_asked_to(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    train = ["train", "fashion-ae", "--scale", "smoke"]
    for flags, expected in (
        ([], "epoch 1/1"),
        ([], "is there already"),
        (["--no-resume"], "epoch 1/1"),
    ):
        assert main([*train, *flags]) == 0
        assert expected in capsys.readouterr().out
    assert main(["measure", "fashion-ae", "--scale", "smoke"]) == 0
    assert len(list(tmp_path.glob("fashion-ae/smoke/seed-0.*"))) == 2


def test_only_one_process_of_several_shows_the_training(capsys, monkeypatch, tmp_path):
    from vaetut.training import devices

    def second(spec, cluster, rank):
        assert (spec, cluster, rank) == ("1", "a:1,b:1", 1)
        return SimpleNamespace(writes=False)

    def train(*arguments, say, callbacks, **options):
        assert callbacks == [] and options["devices"].writes is False
        say("an epoch")

    monkeypatch.setattr(devices, "claim", second)
    monkeypatch.setattr("vaetut.runs.train_run", train)
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    flags = ["--scale", "smoke", "--cluster", "a:1,b:1", "--rank", "1"]
    assert main(["train", "fashion-ae", *flags]) == 0
    assert capsys.readouterr().out == ""


def test_an_interrupted_training_says_how_to_go_on(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    batch_end = keras.callbacks.CallbackList.on_train_batch_end

    def interrupted(self, batch, logs=None):
        signal.raise_signal(signal.SIGINT)
        batch_end(self, batch, logs)

    train = ["train", "fashion-ae", "--scale", "smoke"]
    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks.CallbackList, "on_train_batch_end", interrupted)
        assert main(train) == 130
    error = capsys.readouterr().err
    assert error.startswith("\nvaetut: fashion-ae seed 0") and "same command" in error
    assert main(train) == 0
    assert "going on" in capsys.readouterr().out


def test_a_sweep_lists_what_came_out_and_writes_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "runs"))
    sweep = ["sweep", "fashion-ae", "--scale", "smoke"]
    sweep += ["--set", "batch_size=50", "learning_rate=1e-3,1e9"]
    assert main([*sweep, "--csv", str(tmp_path / "rows.csv")]) == 1
    out, err = capsys.readouterr()
    assert "fashion-ae+batch_size=50: reconstruction " in out
    assert err.startswith("vaetut: fashion-ae+batch_size=50+learning_rate=1e09 seed 0")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0] == "recipe,scale,batch_size,learning_rate,seed,metric,value"
    assert main([*sweep[:6], "--json"]) == 0
    out, err = capsys.readouterr()
    content = json.loads(out)
    assert len(content["rows"]) == len(lines) - 1 and "1/1" in err
    assert content["summary"][0]["n"] == 1


def test_older_records_are_migrated(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    asked = []
    migrate = lambda root: asked.append(root) or [root / "a", root / "b"]  # noqa: E731
    monkeypatch.setattr("vaetut.runs.migrate.migrate", migrate)
    assert main(["migrate"]) == 0
    assert asked == [tmp_path]
    assert f"2 records in {tmp_path} have today's names now." in capsys.readouterr().out


def test_shipping_nothing_is_an_error(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    assert main(["ship", "fashion-ae", "--scale", "smoke"]) == 1
    assert "no runs of 'fashion-ae'" in capsys.readouterr().err


def test_benchmarks_are_listed_with_their_questions(capsys):
    assert main(["bench", "--list"]) == 0
    assert "epoch " in capsys.readouterr().out
    assert main(["bench", "beauty"]) == 1
    assert "epoch" in capsys.readouterr().err
