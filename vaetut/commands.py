"""What each command of the command line does; its docstring is the command's help.

Keras is imported by the command that needs it: it takes seconds, and the backend must
be known before.
"""

import ast
import json
import math
import runpy
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaetut.atomic import shown


def _say(line: str) -> None:
    print(line, flush=True)


def _warn(line: str) -> None:
    print(f"vaetut: {line}", file=sys.stderr)


def data_list(arguments: Namespace) -> None:
    """list the data sets there are"""
    from vaetut.datasets import SOURCES

    width = max(map(len, SOURCES))
    for name, source in SOURCES.items():
        print(f"{name:{width}}  {source.about}")


def data_make(arguments: Namespace) -> None:
    """draw a data set of the course and write it to a folder"""
    from vaetut.datasets import SOURCES

    name = arguments.name
    if name not in SOURCES:
        raise ValueError(
            f"There is no data set {name!r}: choose one of {', '.join(SOURCES)}."
        )
    make: Any = SOURCES[name].make
    if make is None:
        raise ValueError(f"{name} is not drawn by the course: nothing to make.")
    folder = arguments.folder or Path(name)
    files = make(folder, arguments.format)
    print(f"{name}: {len(files)} files in {folder}")


def data_draw(arguments: Namespace) -> None:
    """draw a data set, which is then kept for later, or open it"""
    from vaetut.datasets import load

    for split in ("train", "test"):
        _say(f"{arguments.name}: {len(load(arguments.name, split))} to {split}")


def data_verify(arguments: Namespace) -> int:
    """check the data sets that are there"""
    from vaetut.datasets import SOURCES

    return _report(_broken_data(SOURCES), "Every data set is what it should be.")


def _broken_data(sources: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with data sets, each thing once."""
    found = [text for source in sources.values() for text in source.verify()]
    return list(dict.fromkeys(found))


def verify(arguments: Namespace) -> int:
    """check every shipped data file and run against its hash and digest"""
    from vaetut import runs
    from vaetut.datasets import SOURCES

    problems = _broken_data(SOURCES) + runs.verify()
    well = "Every shipped data file and run is what its hash and digest say."
    if arguments.own:
        problems += runs.verify(runs.own_runs())
        well += f"\nSo is every run in {runs.own_runs()}."
    return _report(problems, well)


def _report(problems: Sequence[str], well: str) -> int:
    """Print what is wrong, or that all is well, and return the exit status."""
    for problem in problems:
        print(shown(problem), file=sys.stderr)
    if not problems:
        print(well)
    return bool(problems)


def train(arguments: Namespace) -> None:
    """train a recipe, going on where a stopped training left off"""
    from vaetut.recipes import get_recipe, parse_seeds
    from vaetut.runs import store
    from vaetut.training import devices

    recipe = get_recipe(arguments.recipe, arguments.scale)
    seeds = parse_seeds(arguments.seeds)
    claimed = devices.claim(arguments.devices, arguments.cluster, arguments.rank)
    for seed in seeds:
        path = store.stem(store.own_runs(), recipe, seed)
        there = arguments.resume and store.finished(recipe, seed, shipped=False)
        if there and not path.with_suffix(".checkpoint").exists():
            if claimed.writes:
                _say(f"{path} is there already; --no-resume trains it anew")
            continue
        _train_one(recipe, seed, arguments, devices=claimed, resume=arguments.resume)


def _train_one(
    recipe: Any,
    seed: int,
    arguments: Namespace,
    devices: Any = None,
    resume: bool = True,
) -> None:
    """Train one run before the user's eyes; only one process of several shows it."""
    from vaetut.runs import own_runs, train_run
    from vaetut.runs.store import stem
    from vaetut.training.budget import Budget, TooLong
    from vaetut.training.progress import ProgressBar

    shows = devices is None or devices.writes
    minutes = math.inf if arguments.minutes is None else arguments.minutes
    budget = Budget(recipe, 60 * minutes, _say)
    try:
        with ProgressBar(recipe, seed) as bar:
            train_run(
                recipe,
                seed,
                stem(own_runs(), recipe, seed),
                say=_say if shows else lambda line: None,
                callbacks=[bar] * shows + [budget] * (budget.seconds < math.inf),
                devices=devices,
                precision=arguments.precision,
                resume=resume,
            )
    except KeyboardInterrupt as stop:
        if budget.reason is not None:
            label = f"{recipe.name} seed {seed}"
            raise TooLong(f"{label}: {budget.reason}") from None
        if resume or not str(stop):
            raise
        raise KeyboardInterrupt(f"{stop}, without --no-resume") from stop


def full_scale(arguments: Namespace) -> int:
    """spend some minutes of a GPU on the list of trainings and checks at full scale"""
    from vaetut.runs import full_scale

    return full_scale.run(
        arguments.minutes,
        arguments.out,
        scale="smoke" if arguments.rehearse else "full",
        only=arguments.only,
        say=_say,
    )


def sweep(arguments: Namespace) -> int:
    """train a recipe over settings and seeds, and list what came out"""
    from vaetut.recipes import EXPERIMENTS, get_recipe, parse_seeds, parse_settings
    from vaetut.runs import sweep

    seeds = parse_seeds(arguments.seeds)
    if arguments.recipe in EXPERIMENTS:
        names = dict.fromkeys(EXPERIMENTS[arguments.recipe].values())
        recipes = [get_recipe(name, arguments.scale) for name in names]
        if arguments.set:
            raise ValueError(
                f"{arguments.recipe!r} is an experiment of {len(recipes)} recipes: "
                "--set takes a single one."
            )
        plan = [(recipe, seed) for seed in seeds for recipe in recipes]
    else:
        recipe = get_recipe(arguments.recipe, arguments.scale)
        plan = sweep.plan(recipe, parse_settings(arguments.set), seeds)
    return _sweep(plan, arguments)


def _sweep(plan: Any, arguments: Namespace) -> int:
    """Train a plan, list what came out, and return the exit status."""
    from vaetut.runs import sweep, tables

    # With --json, standard output is for that alone.
    notes = sys.stderr if arguments.json else sys.stdout
    problems = sweep.run(
        plan,
        arguments.jobs,
        arguments.precision,
        say=lambda line: print(line, file=notes, flush=True),
        scheduler=arguments.dask,
    )
    for problem in problems:
        _warn(problem)
    rows = tables.table(plan)
    summary = tables.summarize(rows)
    if arguments.csv:
        tables.to_csv(rows, arguments.csv)
    if arguments.json:
        print(json.dumps({"rows": rows, "summary": summary}, indent=1))
    else:
        for row in summary:
            if row["metric"] == _loss_of({r["metric"] for r in summary}):
                print(f"{row['recipe']}: {row['metric']} {_interval(row)}")
    return bool(problems)


def runs(arguments: Namespace) -> None:
    """list the runs there are, and the recipes without one or with a stale one"""
    from vaetut.recipes import CATALOGUE
    from vaetut.runs import list_runs, own_runs, store

    shipped = list_runs()
    if arguments.json:
        print(json.dumps(shipped, indent=1))
        return
    found = store.survey(own_runs())
    own = store.rows(found)
    many = sum("+" in row["recipe"] for row in shipped)
    shipped = [row for row in shipped if "+" not in row["recipe"]]
    titles = ("Shipped with the course", f"Your own, in {own_runs()}")
    for title, rows in zip(titles, (shipped, own), strict=True):
        print(f"{title}: {'mean loss in nats per image' if rows else 'none'}")
        _print_table(rows)
        print()
    if many:
        print(f"Shipped as well: {many} variants; --json lists them.")
    known = {row["recipe"] for row in shipped}
    states = {
        "Stale": [f"{r['recipe']} {r['scale']}" for r in shipped + own if r["stale"]],
        "Not shipped": [name for name in CATALOGUE if name not in known],
    }
    for state, names in states.items():
        if names:
            print(f"{state}: {', '.join(names)}. vaetut train RECIPE --scale SCALE")
    for problem in found.damaged + found.strangers:
        _warn(problem)


HEAD = ("recipe", "scale", "seeds", "seconds", "loss [95 %]", "MB", "", "backend", "on")


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows of `list_runs`, with a head, in columns."""
    lines = [HEAD] * bool(rows)
    for row in rows:
        loss = _loss_of(row["metrics"])
        memory = row.get("peak_memory_mb")
        lines.append(
            (
                row["recipe"],
                row["scale"],
                str(row["seeds"]),
                f"{row['seconds']:.0f}",
                _interval(row["metrics"][loss]) if loss else "",
                f"{memory:,.0f}" if memory else "",
                "STALE" if row["stale"] else "",
                row["backend"],
                row["hardware"],
            )
        )
    _print_columns(lines)


def _print_columns(lines):
    """Print rows of texts in columns; a column of empty texts is left out."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, strict=True)
        print("  ".join(text.ljust(width) for text, width in cells if width).rstrip())


def _loss_of(metrics: Any) -> str | None:
    """Return the metric that is the loss: an autoencoder's has one term."""
    return next((name for name in ("total", "reconstruction") if name in metrics), None)


def _interval(row: Mapping[str, float]) -> str:
    return f"{row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


CLAIM_HEAD = ("chapter", "verdict", "whose", "ours [95 %]", "must be", "of", "claim")


def claims(arguments: Namespace) -> None:
    """list the sources' claims and what the shipped runs say of them"""
    from vaetut import claims

    if not claims.CLAIMS.exists():
        raise ValueError(f"There is no {claims.CLAIMS}: run from a checkout.")
    found = claims.rows(claims.CLAIMS)
    if arguments.json:
        print(json.dumps([row.json for row in found], indent=1))
        return
    lines = [
        (
            str(row.chapter),
            (row.verdict or row.kind) + "*" * (row.alone != row.verdict),
            row.whose,
            row.value,
            row.rule,
            row.basis,
            row.claim,
        )
        for row in found
    ]
    _print_columns([CLAIM_HEAD, *lines])
    for row in found:
        for other in row.also:
            said = f"{other.value}, {other.alone} by the interval alone"
            print(f"also at {other.basis}: {row.claim} {said}")
    counts = claims.count(found)
    print(
        f"\n{counts.tested} tested: {counts.confirmed} confirmed, {counts.refuted} "
        f"refuted, {counts.undecided} undecided. *: {counts.corrected} that the "
        "interval alone decides, but not after Holm's correction in its chapter."
    )


def measure(arguments: Namespace) -> None:
    """measure your runs of a recipe again, after a change of the measures"""
    from vaetut import runs

    runs.remeasure(arguments.recipe, arguments.scale)


def ship(arguments: Namespace) -> None:
    """copy your runs of a recipe into the package (for maintainers)"""
    from vaetut import runs
    from vaetut.recipes import EXPERIMENTS

    members = EXPERIMENTS.get(arguments.recipe, {"": arguments.recipe})
    for name in dict.fromkeys(members.values()):
        for path in runs.ship(name, arguments.scale, say=_warn):
            print(path)


def migrate(arguments: Namespace) -> None:
    """write your records of an older version anew, under today's names"""
    from vaetut.runs import own_runs
    from vaetut.runs.migrate import migrate

    written = migrate(own_runs())
    print(f"{len(written)} records in {own_runs()} have today's names now.")


def bench(arguments: Namespace) -> None:
    """measure how fast this is against another method, and store the result"""
    folder = Path(__file__).parents[1] / "benchmarks"
    questions = {path: _question(path) for path in sorted(folder.glob("*.py"))}
    scripts = {path.stem: path for path in questions if questions[path].endswith("?")}
    if not scripts:
        raise ValueError(f"There are no benchmarks in {folder}: run from a checkout.")
    if arguments.list or not arguments.name:
        for name, path in scripts.items():
            print(f"{name:14}  {questions[path]}")
        return
    if arguments.name not in scripts:
        raise ValueError(
            f"There is no benchmark {arguments.name!r}: choose one of "
            f"{', '.join(scripts)}."
        )
    result = runpy.run_path(str(scripts[arguments.name]))["main"]()
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{result['question']}\n  on {result['hardware']}")
    print(f"  ours {result['ours']}, theirs {result['theirs']} {result['unit']}")
    print(f"  ratio {result['ratio']}")


def _question(path: Path) -> str:
    """Return the first line of a file's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text("utf8"))) or "-").splitlines()[0]


def judge(arguments: Namespace) -> None:
    """reconstruct the images in a folder with a trained run and report the errors"""
    from vaetut.datasets.polar.pictures import View
    from vaetut.measures.judge import judge, list_images
    from vaetut.runs import load_or_train

    list_images(arguments.folder)  # before a recipe without a run is trained for it
    view = View(
        tuple(arguments.limits), arguments.aspect, arguments.canvas, arguments.invert
    )
    quiet = (lambda line: None) if arguments.json else print
    run = load_or_train(arguments.recipe, say=quiet)
    dataset = run.record.fields.get("dataset")
    report = judge(run.model, arguments.folder, dataset, view)
    for row in report["images"]:
        for text in row.get("warnings", ()):
            _warn(f"{shown(row['file'])}: {text}")
    if arguments.json:
        print(json.dumps(report, indent=1))
    elif "regions" in report:
        _print_strokes(report)
    else:
        for row in [*report["images"], {"file": "mean", **report["mean"]}]:
            print(f"{shown(row['file']):32} bce {row['bce']:.4f}  mse {row['mse']:.5f}")


STROKES = {  # measure -> its head and digits
    "bce": ("bce", 4),
    "excess_bce": ("excess", 4),
    "mse": ("mse", 4),
    "iou": ("iou", 3),
    "dice": ("dice", 3),
    "chamfer": ("chamfer", 2),
    "factor_error": ("error", 3),
}


def _print_strokes(report: dict[str, Any]) -> None:
    """Print a table of judged curves: a line an image, the means at the end."""

    def measures(row: dict[str, Any]) -> list[str]:
        return [f"{row[name]:.{digits}f}" for name, (_, digits) in STROKES.items()]

    def pair(factors: Sequence[float] | None) -> str:
        return ", ".join(f"{value:.2f}" for value in factors) if factors else "none"

    more = ("a, b", "drawn", "residual", "ink", "stroke", "region")
    lines = [["file", *(head for head, _ in STROKES.values()), *more]]
    for row in report["images"]:
        cells = [shown(row["file"]), *measures(row)]
        cells += [pair(row.get("true_factors") or row["factors"])]
        cells += [pair(row["drawn_factors"]), f"{row['residual']:.3f}"]
        cells += [f"{row['ink_ratio']:.2f}", row["stroke"], row["region"] or "no curve"]
        lines.append(cells)
    means = {f"mean of {len(report['images'])}": report["mean"]} | {
        f"{name}, mean of {row['images']}": row
        for name, row in report["regions"].items()
    }
    lines += [[name, *measures(row), *[""] * len(more)] for name, row in means.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *cells in lines:
        texts = [c.rjust(w) for c, w in zip(cells, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *texts]).rstrip())
