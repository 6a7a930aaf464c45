"""Sweeps: the plan, running it in parallel, on a cluster, and its table."""

import contextlib
import csv
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import joblib
import psutil
import pytest
from joblib.externals.loky import get_reusable_executor

from vaetut.__main__ import main
from vaetut.analysis import bootstrap_interval, interval
from vaetut.atomic import RunError
from vaetut.recipes import Recipe, get_recipe, parse_seeds, variants
from vaetut.runs import pipeline, sweep, train_run
from vaetut.runs import store as runs
from vaetut.runs import tables as results
from vaetut.runs.record import read_record
from vaetut.training import train
from vaetut.training.checkpoint import BusyError, lock

SMOKE = get_recipe("fashion-vae", "smoke")
# Wide enough for its bits to depend on the number of threads.
WIDE = dataclasses.replace(get_recipe("fashion-ae", "smoke"), images=60, batch_size=20)
SMALL = dataclasses.replace(WIDE, filters=(4,))


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


@pytest.mark.attack("numbers")
@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("faces-ae+filters=32,64,128,256", "Write filters=32x64x128x256"),
        ("faces-detailed+kernel_sizes=5,5,3,3", "Write kernel_sizes=5x5x3x3"),
        ("fashion-vae+beta=0.5,2", "vaetut sweep NAME --set beta=0.5,2"),
        ("fashion-vae+optimizer=adam,sgd", "sweep NAME --set optimizer=adam,sgd"),
        ("fashion-vae+images=0", "positive; images=none for all"),
        ("fashion-vae+test_images=0", "test_images=none for all"),
        ("fashion-vae+extra_dense=0", "extra_dense=none for no such layer"),
        ("fashion-vae+beta=-1", "beta .* is -1.0: it must be 0 or more"),
        ("fashion-vae+filters=0", "filters .* give 1 or more"),
        ("fashion-vae+beta=1+beta=2", "each field once"),
    ],
)
def test_a_name_takes_one_value_a_field_and_none_is_written_none(name, mend):
    with pytest.raises(ValueError, match=mend):
        get_recipe(name, "smoke")


@pytest.mark.attack("numbers")
@pytest.mark.parametrize("text", ["0-5000000000", "10001", "9" * 5000, "5,4-2", None])
def test_seeds_without_number_are_refused_at_once(text):
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)


def test_seeds_are_a_number_of_them_or_a_list():
    seeds = {"3": [0, 1, 2], "2-4": [2, 3, 4], "0,3,7-8": [0, 3, 7, 8], "3-3": [3]}
    assert {text: parse_seeds(text) for text in seeds} == seeds
    for text in ("", "0", "a", "-1", "4-2", "1,", "1.5"):
        with pytest.raises(ValueError, match="no seeds"):
            parse_seeds(text)


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
    plan = sweep.plan(WIDE, {"learning_rate": [1e-3, 1e9]}, [0, 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAETUT_RUNS", str(folder))
        first, second = [], []
        problems = sweep.run(plan, jobs=2, say=first.append)
        before = [runs.finished(WIDE, seed) for seed in (0, 1)]
        for path in folder.glob("fashion-ae/smoke/*seed-1.*"):
            path.unlink()
        sweep.run(plan[:2], jobs=2, say=second.append)
    return folder, plan, problems, first, second, before


def test_two_jobs_train_what_one_training_would(swept):
    history = train(WIDE, 0, say=str).history
    other = read_record(runs.stem(swept[0], WIDE, 0).with_suffix(".json"))
    assert other.history == history and other.digest == WIDE.digest


@pytest.mark.attack("sweep bits")
def test_a_run_has_the_same_bits_in_a_job_and_alone(swept):
    """The one that was left over was trained in this process, the other in a job."""
    folder, *_, before = swept
    for seed, record in enumerate(before):
        again = read_record(runs.stem(folder, WIDE, seed).with_suffix(".json"))
        assert again.weights_sha256 == record.weights_sha256
        assert again.history == record.history and again.metrics == record.metrics
        assert again.conditions == record.conditions


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


ENDLESS = variants.variant(SMALL, epochs=100_000)


@contextlib.contextmanager
def meanwhile(act):
    """Call `act`, in a thread, again and again until it returns something true."""
    over = threading.Event()

    def watch():
        while not over.wait(0.01) and not act():
            pass

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def epochs_of(folder, recipe, seed):
    """Return how many epochs a run's checkpoint has, or None if there is none."""
    path = runs.stem(folder, recipe, seed).with_suffix(".checkpoint")
    with contextlib.suppress(OSError):
        head = path.read_bytes().split(b"\n", 2)[1]
        return json.loads(head)["progress"]["epoch"]


def test_a_signal_lets_every_job_save(own):
    def interrupt():  # as a terminal does, all processes
        if epochs_of(own, ENDLESS, 0) and epochs_of(own, ENDLESS, 1):
            me = psutil.Process()
            for process in [*me.children(recursive=True), me]:
                process.send_signal(signal.SIGINT)
            return True

    says = r"0 of 3 runs are over, those under way are saved: the same command goes on"
    plan = sweep.plan(ENDLESS, {}, [0, 1, 2])
    with meanwhile(interrupt), pytest.raises(KeyboardInterrupt, match=says):
        sweep.run(plan, jobs=2, say=str)
    assert len(list(own.glob("*/smoke/*.checkpoint"))) == 2
    assert not list(own.glob("*/smoke/*.json"))


@pytest.mark.attack("measuring")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_run_is_measured_begins_no_other(own, monkeypatch, number):
    begun = []

    def measure(*arguments):
        begun.append(arguments)
        signal.raise_signal(number)

    monkeypatch.setattr(pipeline, "_measured", measure)
    plan = sweep.plan(SMALL, {}, [0, 1, 2])
    with pytest.raises(KeyboardInterrupt, match="0 of 3 runs are over"):
        sweep.run(plan, say=str)
    assert len(begun) == 1
    kept = [path.name for path in own.glob("*/smoke/seed-*")]
    assert kept == ["seed-0.checkpoint"]


def test_jobs_share_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    slots = sweep._slots(2)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["2", "5"]
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in slots[0]
    shared = sweep._slots(3)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in shared] == ["2", "5", "2"]
    assert {slot["TF_FORCE_GPU_ALLOW_GROWTH"] for slot in shared} == {"true"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" not in sweep._slots(2)[0]


def test_every_job_gets_a_slot_of_its_own(tmp_path):
    slots = [{"GPU": "0"}, {"GPU": "1"}]
    ready = sweep._initializer(slots, tmp_path / "stop")
    jobs = joblib.Parallel(n_jobs=2, initializer=ready, batch_size=1)

    def taken():
        time.sleep(0.5)  # so that the other one gets a task as well
        return os.environ["GPU"], "keras" in sys.modules

    try:
        found = jobs(joblib.delayed(taken)() for _ in range(4))
    finally:
        get_reusable_executor(reuse=True).shutdown(kill_workers=True)
    # The environment is set before Keras is there.
    assert set(found) == {("0", False), ("1", False)}


# ---- What came out


def test_the_table_is_tidy_and_its_summary_holds_intervals(swept, monkeypatch):
    folder, plan, *_ = swept
    monkeypatch.setenv("VAETUT_RUNS", str(folder))
    rows = results.table(plan)
    keys = ["recipe", "scale", "learning_rate", "seed", "metric", "value"]
    assert all(list(row) == keys for row in rows)
    assert {row["learning_rate"] for row in rows} == {1e-3}  # the other one failed
    values = [row["value"] for row in rows if row["metric"] == "reconstruction"]
    records = [runs.finished(WIDE, seed) for seed in (0, 1)]
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


def test_every_field_of_a_recipe_can_be_set_or_is_left_out_on_purpose():
    assert {f.name for f in dataclasses.fields(Recipe)} - set(variants.FIELDS) == {
        "name",
        "scale",
    }


# ---- On a cluster


@pytest.fixture(scope="module")
def cluster():
    """A scheduler's address, and two workers: processes of one thread each."""
    distributed = pytest.importorskip("distributed")
    options = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": ":0"}
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1"]
    worker += ["--no-nanny", "--no-dashboard", "--preload", "vaetut.runs.sweep"]
    with distributed.LocalCluster(n_workers=0, processes=False, **options) as started:
        address = started.scheduler_address
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        workers = [
            subprocess.Popen([*worker, address], env=environment, **quiet)
            for _ in range(2)
        ]
        try:
            started.wait_for_workers(2)
            yield address, workers
        finally:
            for process in workers:
                process.kill()
                process.wait()


def test_a_run_whose_worker_is_killed_goes_on_at_the_other(cluster, own, capsys):
    address, workers = cluster
    settings = {"batch_size": 20, "epochs": 20, "filters": (4,), "images": 60}
    recipe = variants.variant(get_recipe("fashion-ae", "smoke"), **settings)
    seen = {seed: [] for seed in range(3)}

    def kill_one_that_trains():
        for seed, epochs in seen.items():
            found = epochs_of(own, recipe, seed)
            if found is not None:
                epochs.append(found)
        under_way = [epochs for epochs in seen.values() if epochs and epochs[-1] < 18]
        if len(under_way) == 2 and min(epochs[-1] for epochs in under_way) >= 2:
            workers[0].kill()  # SIGKILL, again and again
        return workers[1].poll() is not None

    texts = [f"{k}={variants.as_text(value)}" for k, value in settings.items()]
    sweep_ = ["sweep", "fashion-ae", "--scale", "smoke", "--seeds", "3"]
    with meanwhile(kill_one_that_trains):
        assert main([*sweep_, "--set", *texts, "--dask", address]) == 0
    assert workers[0].wait(timeout=10) == -signal.SIGKILL
    assert workers[1].poll() is None
    out, err = capsys.readouterr()
    told = [line[:3] for line in out.splitlines()]
    assert told[:3] == ["1/3", "2/3", "3/3"] and not err
    for seed, epochs in seen.items():
        assert len(runs.finished(recipe, seed).history["loss"]) == 20
        assert epochs == sorted(epochs)  # none began anew
    assert not list(own.glob("**/*.checkpoint"))


def test_a_signal_lets_the_workers_save(cluster, own):
    def interrupt():
        if epochs_of(own, ENDLESS, 0):
            os.kill(os.getpid(), signal.SIGINT)
            return True

    says = "0 of 2 runs are over, those under way are saved"
    plan = sweep.plan(ENDLESS, {}, [0, 1])
    with meanwhile(interrupt), pytest.raises(KeyboardInterrupt, match=says):
        sweep.run(plan, scheduler=cluster[0], say=str)
    left = {path.suffix for path in own.glob("*/smoke/seed-*")}
    assert left == {".checkpoint"} and len(list(own.iterdir())) == 1  # no `stop`


SWEEP = """
import sys
from vaetut.runs import sweep
from vaetut.recipes import get_recipe
sweep.run([(get_recipe(sys.argv[1], "smoke"), 0)], scheduler=sys.argv[2])
"""


@pytest.mark.attack("sweep")
def test_a_worker_stops_when_the_sweep_is_killed(cluster, own):
    command = [sys.executable, "-c", SWEEP, ENDLESS.name, cluster[0]]
    with subprocess.Popen(command) as killed:
        wait_for(lambda: epochs_of(own, ENDLESS, 0))
        killed.kill()
    path = runs.stem(own, ENDLESS, 0)

    def freed():
        with contextlib.suppress(BusyError), lock(path):
            return True

    wait_for(freed)
    saved = epochs_of(own, ENDLESS, 0)
    assert saved and len(list(own.iterdir())) == 1  # what told them to stop is gone
    time.sleep(1)
    assert epochs_of(own, ENDLESS, 0) == saved


def wait_for(found, seconds=60):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_workers_that_cannot_train_are_named(own, monkeypatch):
    distributed = pytest.importorskip("distributed")
    options = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": ":0"}
    options |= {"n_workers": 1, "processes": False}
    with distributed.LocalCluster(threads_per_worker=2, **options) as several:
        address = several.scheduler_address
        (problem,) = sweep.run([(SMALL, 0)], scheduler=address, say=str)
        assert problem.endswith("has 2 threads: start its workers with --nthreads 1")
        plain = sweep._work_of_cluster

        def otherwise(backend, *args):
            return plain("jax", *args)

        monkeypatch.setattr(sweep, "_work_of_cluster", otherwise)
        (problem,) = sweep.run([(SMALL, 0)], scheduler=address, say=str)
    assert problem.startswith("fashion-ae seed 0: this worker of the cluster runs tens")
    assert problem.endswith("start its workers with KERAS_BACKEND=jax")
    assert not list(own.glob("*/*"))


def test_a_stop_where_no_worker_is_left_ends_the_sweep(own):
    distributed = pytest.importorskip("distributed")
    options = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": ":0"}
    lines = []

    def interrupt():
        if lines:
            os.kill(os.getpid(), signal.SIGINT)
            return True

    with distributed.LocalCluster(n_workers=0, processes=False, **options) as empty:
        address = empty.scheduler_address
        with meanwhile(interrupt), pytest.raises(KeyboardInterrupt, match="0 of 1 run"):
            sweep.run([(SMALL, 0)], scheduler=address, say=lines.append)
    assert lines == [f"{address} has no worker yet: waiting for one"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep, "ANSWER_SECONDS", 0.3)
    with pytest.raises(ValueError, match=f"No Dask scheduler answers at {address}"):
        sweep.run([(SMALL, 0)], scheduler=address)


def test_a_cluster_without_dask_is_refused_with_the_mend(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    sweep_ = ["sweep", "fashion-ae", "--scale", "smoke", "--dask", "tcp://host:8786"]
    assert main(sweep_) == 1
    assert "pip install distributed" in capsys.readouterr().err
