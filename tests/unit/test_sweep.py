"""Sweeps: the plan, running it in parallel, its table, the script for a cluster."""

import csv
import dataclasses
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vaetut.analysis import bootstrap_interval, interval
from vaetut.atomic import RunError
from vaetut.recipes import Recipe, get_recipe, variants
from vaetut.runs import store as runs
from vaetut.runs import sweep, train_run
from vaetut.runs import tables as results
from vaetut.runs.record import read_record

SMOKE = get_recipe("fashion-vae", "smoke")
SMALL = dataclasses.replace(
    get_recipe("fashion-ae", "smoke"), filters=(4,), images=60, batch_size=20
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """Runs of these tests go to a folder of their own."""
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


# ---- What is to be run


def test_settings_are_read_by_the_types_of_the_fields():
    texts = ["beta=0.5,2", "filters=32x64,8", "images=none,100", "optimizer=sgd"]
    assert variants.parse_settings(texts) == {
        "beta": [0.5, 2.0],
        "filters": [(32, 64), (8,)],
        "images": [None, 100],
        "optimizer": ["sgd"],
    }


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("bet=1", "choose among .*beta.*learning_rate"),
        ("name=x", "no field 'name'"),
        ("scale=full", "no field 'scale'"),
        ("beta", "is not a setting"),
        ("beta=", "finite number, not ''"),
        ("beta=1,,2", "finite number"),
        ("beta=nan", "finite number"),
        ("epochs=2.5", "epochs takes a whole number, not '2.5'"),
        ("epochs=none", "whole number"),
        ("filters=32,64x", "32x64, not '64x'"),
        ("optimizer=../adam", "letters"),
    ],
)
def test_settings_that_make_no_sense_are_named(text, word):
    with pytest.raises(ValueError, match=word):
        variants.parse_settings([text])
    with pytest.raises(ValueError, match="each field once"):
        variants.parse_settings(["beta=1", "beta=2"])


def test_seeds_are_a_number_of_them_or_a_list():
    seeds = {"3": [0, 1, 2], "2-4": [2, 3, 4], "0,3,7-8": [0, 3, 7, 8], "3-3": [3]}
    assert {text: variants.parse_seeds(text) for text in seeds} == seeds
    for text in ("", "0", "a", "-1", "4-2", "1,", "1.5"):
        with pytest.raises(ValueError, match="no seeds"):
            variants.parse_seeds(text)


def test_a_variant_says_in_its_name_what_is_other():
    changed = variants.variant(SMOKE, learning_rate="1e-3", beta=0.5)
    assert changed.name == "fashion-vae+beta=0.5+learning_rate=0.001"
    expected = dataclasses.replace(SMOKE, beta=0.5, learning_rate=1e-3)
    assert changed.digest == expected.digest
    assert variants.variant(SMOKE, beta=SMOKE.beta, epochs=1) == SMOKE
    whole, same = (variants.variant(SMOKE, beta=beta) for beta in (1, 1.0))
    assert whole.digest == same.digest
    again = variants.variant(variants.variant(SMOKE, latent_dim=3), beta=0.5)
    assert again == variants.variant(SMOKE, beta=0.5, latent_dim=3)


def test_names_are_fit_for_files_and_hold_the_whole_value():
    values = {
        "learning_rate": [1e9, 1e-5, 0.1 + 0.2],
        "filters": [(8, 16)],
        "images": [None],
        "batch_size": [64],
        "schedule": ["cosine"],
    }
    recipe = dataclasses.replace(SMOKE, images=300)
    for field, known in values.items():
        for value in known:
            name = variants.variant(recipe, **{field: value}).name
            assert re.fullmatch(r"[\w.+=-]+", name, re.ASCII)
            _, _, text = name.partition(f"+{field}=")
            assert variants.parse_settings([f"{field}={text}"]) == {field: [value]}


@pytest.mark.parametrize("change", [{"epochs": 0}, {"beta": None}, {"epochs": 1.5}])
def test_a_variant_that_makes_no_sense_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        variants.variant(SMOKE, **change)


def test_a_plan_is_every_setting_with_every_seed_each_once():
    settings = {"beta": [SMOKE.beta, 0.5, "0.5"], "latent_dim": [2, 3]}
    plan = sweep.plan(SMOKE, settings, [0, 1, 1])
    assert [(recipe.name, seed) for recipe, seed in plan] == [
        (name, seed)
        for name in (
            "fashion-vae",
            "fashion-vae+latent_dim=3",
            "fashion-vae+beta=0.5",
            "fashion-vae+beta=0.5+latent_dim=3",
        )
        for seed in (0, 1)
    ]
    assert sweep.plan(SMOKE, {}, [4]) == [(SMOKE, 4)]


# ---- Running it


def test_a_shipped_run_is_not_trained_again():
    recipe, lines = get_recipe("fashion-vae", "full"), []
    assert sweep.run([(recipe, 0)], say=lines.append) == []
    assert re.fullmatch(
        r"1/1 fashion-vae seed 0: finished before, loss [\d.]+, validation [\d.]+ "
        "nats per image",
        lines[0],
    )


def test_senseless_arguments_of_a_sweep_are_refused():
    for options in ({"jobs": 0}, {"precision": "float8"}):
        with pytest.raises(ValueError, match="float32, bfloat16"):
            sweep.run([(SMOKE, 0)], **options)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep by two jobs over two seeds and a setting that fails, run twice."""
    folder = tmp_path_factory.mktemp("sweep")
    plan = sweep.plan(SMALL, {"learning_rate": [1e-3, 1e9]}, [0, 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAETUT_RUNS", str(folder))
        first, second = [], []
        problems = sweep.run(plan, jobs=2, say=first.append)
        runs.stem(folder, SMALL, 1).with_suffix(".json").unlink()
        sweep.run(plan[:2], jobs=2, say=second.append)
    return folder, plan, problems, first, second


def test_two_jobs_train_what_one_training_would(swept, tmp_path):
    record = train_run(SMALL, 0, tmp_path / "seed-0", say=str).record
    path = runs.stem(swept[0], SMALL, 0).with_suffix(".json")
    other = read_record(path)
    # Sums are taken in another order with another number of threads.
    for name, values in record.history.items():
        np.testing.assert_allclose(other.history[name], values, rtol=1e-3)
    assert other.digest == record.digest


def test_a_line_a_run_says_how_far_the_sweep_is(swept):
    first = swept[3]
    assert [line.split(" ")[0] for line in first] == ["1/4", "2/4", "3/4", "4/4"]
    ended = [line for line in first if not line.endswith("failed")]
    assert len(ended) == 2
    for line in ended:
        assert re.search(
            r" fashion-ae seed \d: loss [\d.]+, validation [\d.]+ nats per image, "
            r"(\d+ min )?\d+ s(, (\d+ min )?\d+ s left)?$",
            line,
        )


def test_a_run_that_fails_is_reported_and_ends_no_other(swept):
    problems = sorted(swept[2])
    assert len(problems) == 2
    for seed, problem in enumerate(problems):
        name = f"fashion-ae+learning_rate=1e09 seed {seed}"
        assert problem.count(name) == 1 and "nan" in problem


def test_a_sweep_that_is_run_again_trains_what_is_missing(swept):
    lines = swept[4]
    assert "seed 0: finished before" in lines[0]
    assert re.search(r"2/2 .* seed 1: loss .* \d+ s$", lines[1])


def test_a_damaged_record_is_named_and_left_alone(own):
    path = runs.stem(own, SMALL, 0).with_suffix(".json")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    lines = []
    (problem,) = sweep.run([(SMALL, 0)], say=lines.append)
    assert "seed-0.json" in problem and "damaged" in lines[0]
    assert path.read_text() == "{}" and results.table([(SMALL, 0)]) == []


def test_a_stale_run_is_trained_again(own):
    older = dataclasses.replace(SMALL, learning_rate=0.01)
    train_run(older, 0, runs.stem(own, SMALL, 0), say=str)
    assert runs.finished(SMALL, 0) is None
    assert sweep.run([(SMALL, 0)], say=str) == []
    assert runs.finished(SMALL, 0).fields["learning_rate"] == SMALL.learning_rate


ENDLESS = """
from vaetut.recipes import get_recipe, variants
from vaetut.runs import sweep
recipe = variants.variant(get_recipe("fashion-ae", "smoke"), epochs=100_000)
sweep.run(sweep.plan(recipe, {}, [0, 1, 2]), jobs=2)
"""


def test_a_signal_lets_every_job_save(own):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    folder = own / "fashion-ae+epochs=100000" / "smoke"
    deadline = time.time() + 120
    while len(list(folder.glob("*.checkpoint"))) < 2 and time.time() < deadline:
        time.sleep(0.05)
    before = [path.stat().st_mtime_ns for path in sorted(folder.glob("*.checkpoint"))]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, error = process.communicate(timeout=60)
    assert error.rstrip().endswith(
        "KeyboardInterrupt: 0 of 3 runs are over, those under way are saved: "
        "the same command goes on from there"
    )
    after = [path.stat().st_mtime_ns for path in sorted(folder.glob("*.checkpoint"))]
    assert len(before) == len(after) == 2
    assert all(new > old for old, new in zip(before, after, strict=True))


def test_jobs_share_cores_and_gpus(monkeypatch):
    monkeypatch.setattr(sweep.joblib, "cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    slots = sweep._slots(2)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["2", "5"]
    assert {slot["TF_NUM_INTRAOP_THREADS"] for slot in slots} == {"4"}
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in slots[0]
    shared = sweep._slots(3)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in shared] == ["2", "5", "2"]
    assert {slot["TF_FORCE_GPU_ALLOW_GROWTH"] for slot in shared} == {"true"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" not in sweep._slots(2)[0]


def test_every_job_gets_a_slot_of_its_own(tmp_path, monkeypatch):
    environment, before = {}, signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(os, "environ", environment)
    try:
        taken = []
        for _ in range(2):  # as two processes would
            start = sweep._initializer([{"GPU": "0"}, {"GPU": "1"}], str(tmp_path))
            start()
            taken.append((start, environment["GPU"]))
    finally:
        signal.signal(signal.SIGINT, before)
    assert [gpu for _, gpu in taken] == ["0", "1"]


# ---- What came out


def test_the_table_is_tidy_and_its_summary_holds_intervals(swept, monkeypatch):
    folder, plan, *_ = swept
    monkeypatch.setenv("VAETUT_RUNS", str(folder))
    rows = results.table(plan)
    keys = ["recipe", "scale", "learning_rate", "seed", "metric", "value"]
    assert all(list(row) == keys for row in rows)
    assert {row["learning_rate"] for row in rows} == {1e-3}  # the other one failed
    values = [row["value"] for row in rows if row["metric"] == "reconstruction"]
    records = [runs.finished(SMALL, seed) for seed in (0, 1)]
    assert values == [record.metrics["reconstruction"] for record in records]
    summary = results.summarize(rows)
    (row,) = (row for row in summary if row["metric"] == "reconstruction")
    assert (row["mean"], row["low"], row["high"], row["n"]) == interval(values)
    drawn = bootstrap_interval(values, seed=0)
    assert (row["bootstrap_low"], row["bootstrap_high"]) == drawn[1:3]
    assert row["learning_rate"] == 1e-3 and "seed" not in row


def test_tables_are_written_whole(tmp_path):
    rows = [
        {"recipe": "a", "filters": "8x16", "seed": k, "metric": "kl", "value": k / 3}
        for k in range(3)
    ]
    results.to_csv(rows, tmp_path / "new" / "rows.csv")
    with open(tmp_path / "new" / "rows.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert [float(row["value"]) for row in found] == [0, 1 / 3, 2 / 3]
    assert results.summarize(rows)[0]["n"] == 3
    with pytest.raises(RunError, match="no run is finished"):
        results.to_csv([], tmp_path / "none.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new"]


# ---- On a cluster


def script(settings=None, seeds=(0, 1), **options) -> str:
    return sweep.slurm(
        get_recipe("fashion-ae", "smoke"),
        settings or {"batch_size": [50, 60]},
        list(seeds),
        **options,
    )


def test_the_script_is_a_shell_script_of_one_task_a_run():
    text = script(limit="12:00:00", options=("--backend", "jax"))
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    head = set(re.findall(r"^#SBATCH (--.*)$", text, re.MULTILINE))
    assert head >= {
        "--array=0-3",
        "--time=12:00:00",
        "--gres=gpu:1",
        "--requeue",
        "--signal=TERM@60",
    }
    assert "--set batch_size=50,60 --seeds 0,1 --backend jax --task" in text


def test_the_seeds_of_the_script_are_those_of_the_plan():
    for seeds in ([0, 1], [3]):
        command = re.search(r"--seeds (\S+)", script(seeds=seeds))[1]
        assert variants.parse_seeds(command) == seeds


def cluster(folder, monkeypatch):
    """Put `vaetut`, and Slurm's commands as far as the script needs them, on PATH."""
    commands = {
        "vaetut": f'exec {sys.executable} -m vaetut "$@"',
        "srun": 'exec "$@"',
        "scontrol": f'echo "$@" >> {folder}/scontrol',
    }
    for name, line in commands.items():
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")


def test_a_task_runs_without_slurm_as_well(own, tmp_path, monkeypatch):
    cluster(tmp_path, monkeypatch)
    done = subprocess.run(
        ["bash"], input=script(), text=True, capture_output=True, check=True
    )
    assert "epoch 1/1" in done.stdout and "\x1b" not in done.stdout
    (record,) = own.glob("*/smoke/*.json")
    assert record == own / "fashion-ae+batch_size=50" / "smoke" / "seed-0.json"


def test_a_task_whose_time_is_up_saves_and_queues_again(own, tmp_path, monkeypatch):
    cluster(tmp_path, monkeypatch)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    (tmp_path / "script").write_text(script({"epochs": [100_000]}))
    process = subprocess.Popen(
        ["bash", tmp_path / "script"], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if "epoch 2/" in line:
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    os.kill(int(children.read_text()), signal.SIGTERM)  # to the step, not the script
    process.stdout.read()
    assert process.wait(timeout=60) == 130
    assert list(own.glob("*/smoke/seed-0.checkpoint"))
    assert (tmp_path / "scontrol").read_text() == "requeue 77\n"


def test_every_field_of_a_recipe_can_be_set_or_is_left_out_on_purpose():
    assert {f.name for f in dataclasses.fields(Recipe)} - set(variants.FIELDS) == {
        "name",
        "scale",
    }
