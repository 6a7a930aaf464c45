"""The command line: `vaetut COMMAND`, or `python -m vaetut COMMAND`."""

import argparse
import ast
import json
import runpy
import sys
from pathlib import Path


def main(argv=None) -> int:
    """Run a command and return its exit status: 0, or 1 with the error in a line."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments) or 0
    except Exception as error:
        from vaetut.datasets import DataError
        from vaetut.training import RunError

        if not isinstance(error, (ValueError, DataError, RunError, OSError)):
            raise
        print(f"vaetut: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nvaetut: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser("vaetut", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(function, *arguments):
        command = commands.add_parser(
            function.__name__.removeprefix("_"), help=function.__doc__
        )
        command.set_defaults(command=function)
        for flags, options in arguments:
            command.add_argument(*flags, **options)

    recipe = (["recipe"], {"help": "a name out of `vaetut runs`"})
    scale = (["--scale"], {"default": "laptop", "help": "full, laptop or smoke"})
    as_json = (["--json"], {"action": "store_true", "help": "machine-readable"})
    seeds = {"type": int, "default": 1, "help": "train seeds 0 … N-1 (default 1)"}
    add(_runs, as_json)
    add(_verify)
    add(_train, recipe, scale, (["--seeds"], seeds))
    add(_measure, recipe, scale)
    add(_ship, recipe, scale)
    name = (["name"], {"nargs": "?", "help": "a name out of `vaetut bench --list`"})
    listed = (["--list"], {"action": "store_true", "help": "the questions there are"})
    add(_bench, name, listed, as_json)
    add(_judge, recipe, (["folder"], {"type": Path, "help": "of images"}), as_json)
    return parser


def _runs(arguments):
    """list the shipped runs, and the recipes that have none"""
    from vaetut.training import CATALOGUE, list_runs

    rows = list_runs()
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        state = "STALE" if row["stale"] else "ok"
        print(
            f"{row['recipe']:24} {row['scale']:7} {row['seeds']:2} seeds "
            f"{row['seconds']:6.0f} s  {state:5}  {row['backend']}, {row['hardware']}"
        )
    for name in CATALOGUE.keys() - {row["recipe"] for row in rows}:
        print(f"{name:24} no run; vaetut train {name}")


def _verify(arguments):
    """check every shipped data file and run against its hash and digest"""
    from vaetut import training
    from vaetut.datasets import fashion_mnist

    problems = fashion_mnist.verify() + training.verify()
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("Every shipped data file and run is what its hash and digest say.")
    return bool(problems)


def _train(arguments):
    """train a recipe, going on where a stopped training left off"""
    from vaetut.training import get_recipe, runs, train

    recipe = get_recipe(arguments.recipe, arguments.scale)
    for seed in range(arguments.seeds):
        path = runs.stem(runs.own_runs(), recipe, seed)
        if path.with_suffix(".json").exists():
            print(f"{path} is there already; delete it to train anew")
            continue
        train(recipe, seed, path, say=lambda line: print(line, flush=True))


def _measure(arguments):
    """measure your runs of a recipe again, after a change of the measures"""
    from vaetut.training import runs

    runs.remeasure(arguments.recipe, arguments.scale)


def _ship(arguments):
    """copy your runs of a recipe into the package (for maintainers)"""
    from vaetut.training import runs

    for path in runs.ship(arguments.recipe, arguments.scale):
        print(path)


def _bench(arguments):
    """measure how fast this is against another way, and store the result"""
    folder = Path(__file__).parents[1] / "benchmarks"
    scripts = {path.stem: path for path in sorted(folder.glob("*.py"))}
    if not scripts:
        raise ValueError(f"There are no benchmarks in {folder}: run from a checkout.")
    if arguments.list or not arguments.name:
        for name, path in scripts.items():
            question = ast.get_docstring(ast.parse(path.read_text("utf8")))
            print(f"{name:12} {question.splitlines()[0]}")
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


def _judge(arguments):
    """reconstruct the images in a folder with a trained run and report the errors"""
    from vaetut.training import load_or_train
    from vaetut.training.judge import judge

    quiet = (lambda line: None) if arguments.json else print
    report = judge(load_or_train(arguments.recipe, say=quiet).model, arguments.folder)
    if arguments.json:
        print(json.dumps(report, indent=1))
        return
    for row in [*report["images"], {"file": "mean", **report["mean"]}]:
        print(f"{row['file']:32} bce {row['bce']:.4f}  mse {row['mse']:.5f}")


if __name__ == "__main__":
    sys.exit(main())
