"""The command line: `vaetut COMMAND`, or `python -m vaetut COMMAND`."""

import argparse
import importlib.util
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vaetut import BACKENDS, commands, signals
from vaetut.atomic import DataError, RunError, shown

KERAS = "vaetut.runs"  # what most commands need, and what takes seconds
STOPPED = "stopped; the same command goes on from here"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    `argv` is the command and its arguments, those of the process unless given. The
    status is 0; 1 with the error in a line; 75 where more time is needed; 130 after
    Ctrl-C or SIGTERM; 141 if nobody reads the output.
    """
    _open_streams()
    try:
        status = _status(argv)
        sys.stdout.flush()
        return status
    except OSError as error:
        # What is left in the buffer must go somewhere when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 141
        print(f"vaetut: the output is not whole ({error.strerror})", file=sys.stderr)
        return 1


def _status(argv: Sequence[str] | None) -> int:
    """Run a command and return its exit status, with all but the output seen to."""
    try:
        with signals.handled(), warnings.catch_warnings():
            # TensorFlow's affair, and the end of a training under `python -W error`.
            warnings.filterwarnings("ignore", "__array__ impl", DeprecationWarning)
            arguments = _parser().parse_args(argv)
            logging.getLogger("tensorflow").setLevel(logging.ERROR)  # a run is a trace
            if arguments.needs == KERAS:
                _use_backend(getattr(arguments, "backend", None))
            with signals.deferred():  # half an import passes for a missing package
                importlib.import_module(arguments.needs)
            return arguments.command(arguments) or 0
    except BrokenPipeError:
        raise
    except (ValueError, DataError, RunError, OSError) as error:
        print("\n".join(map(shown, f"vaetut: {error}".split("\n"))), file=sys.stderr)
        return getattr(error, "status", 1)
    except KeyboardInterrupt as stop:
        print(f"\nvaetut: {str(stop) or STOPPED}", file=sys.stderr)
        return 130


def _open_streams() -> None:
    """Let every stream be there, and take every character, as an escape if need be.

    The next file would take the number of a stream that is closed, and what is printed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _use_backend(asked: str | None) -> None:
    """Let Keras compute with a backend: the one asked for, or the environment's.

    Raises ValueError if it is none of ours, is not installed, or Keras is loaded with
    another one.
    """
    name = asked or os.environ["KERAS_BACKEND"]
    if name not in BACKENDS:
        raise ValueError(
            f"KERAS_BACKEND={name!r} is none of the backends here: set it to one of "
            f"{', '.join(BACKENDS)}."
        )
    if "keras" in sys.modules and sys.modules["keras"].backend.backend() != name:
        raise ValueError(
            f"Keras runs on {sys.modules['keras'].backend.backend()} already: start "
            f"another process with KERAS_BACKEND={name}."
        )
    if importlib.util.find_spec(name) is None:
        raise ValueError(f"{name} is not installed: pip install {name}")
    os.environ["KERAS_BACKEND"] = name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("vaetut", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        function: Callable[..., Any],
        *arguments: Any,
        to: Any = subparsers,
        name: str | None = None,
        needs: str = KERAS,
    ) -> argparse.ArgumentParser:
        name = name or function.__name__.rpartition("_")[2]
        command = to.add_parser(name, help=function.__doc__)
        command.set_defaults(command=function, needs=needs)
        for *flags, options in arguments:
            command.add_argument(*flags, **options)
        return command

    recipe = ("recipe", {"help": "a name out of `vaetut runs`"})
    scale = ("--scale", {"default": "laptop", "help": "full, laptop or smoke"})
    as_json = ("--json", {"action": "store_true", "help": "machine-readable"})
    text = "5: the first five; 2-4; 0,3,7-9 (default 1)"
    seeds = ("--seeds", {"default": "1", "help": text})
    backend = ("--backend", {"choices": BACKENDS, "help": "what Keras computes with"})
    layers = {"default": "float32", "help": "of the layers: float32 or bfloat16"}
    precision = ("--precision", layers)

    sets = subparsers.add_parser("data", help="list, make or check the data sets")
    data = sets.add_subparsers(required=True, metavar="COMMAND")
    text = "where to (default: a folder of that name here)"
    folder = ("--folder", {"type": Path, "help": text})
    files = ("--format", {"default": "npz", "choices": ("png", "npz"), "help": "files"})
    images: dict[str, Any] = {"to": data, "needs": "vaetut.datasets"}
    add(commands.data_list, **images)
    add(commands.data_make, ("name", {"help": "a data set"}), folder, files, **images)
    add(commands.data_draw, ("name", {"help": "a data set"}), **images)
    add(commands.data_verify, **images)

    text = "how many there are: what would take longer stops after its first steps"
    minutes = {"type": float, "help": text}
    on: dict[str, Any] = {"action": argparse.BooleanOptionalAction, "default": True}
    on["help"] = "go on where a training was stopped, or start anew"
    devices = {"default": "1", "help": "how many, and which: 2, gpu, gpu:4, cpu:2"}
    hosts = {"metavar": "HOST:PORT,…", "help": "one address a process, all machines'"}
    rank = {"type": int, "help": "which of them this process is, from 0"}
    add(
        commands.train,
        *(recipe, scale, seeds, backend, precision),
        ("--resume", on),
        ("--minutes", minutes),
        ("--devices", devices),
        ("--cluster", hosts),
        ("--rank", rank),
    )

    full = add(commands.full_scale, backend, name="full-scale")
    text = "of the card's time there are"
    full.add_argument("--minutes", type=float, required=True, help=text)
    text = "where results, a page on them and the trained runs are written"
    full.add_argument("--out", type=Path, required=True, help=text)
    text = "the same at smoke scale, on whatever there is"
    full.add_argument("--rehearse", action="store_true", help=text)
    text = "only these groups or items of the list (default: all)"
    full.add_argument("--only", nargs="+", metavar="NAME", help=text)

    sweep = add(commands.sweep, recipe, scale, seeds, backend, precision, as_json)
    text = "a field of the recipe and its values, as beta=0.5,1 filters=32x64"
    settings: dict[str, Any] = {
        "nargs": "+",
        "action": "extend",
        "default": [],
        "help": text,
    }
    sweep.add_argument("--set", metavar="FIELD=V1,V2", **settings)
    how = sweep.add_mutually_exclusive_group()
    how.add_argument("--jobs", type=int, default=1, help="runs at a time (default 1)")
    text = "train on the workers of a Dask cluster: its scheduler, as tcp://host:8786"
    how.add_argument("--dask", metavar="ADDRESS", help=text)
    sweep.add_argument("--csv", type=Path, metavar="FILE", help="write every metric")

    add(commands.runs, as_json)
    add(commands.claims, as_json)
    own = {"action": "store_true", "help": "and your own runs"}
    add(commands.verify, ("--own", own))
    add(commands.measure, recipe, scale)
    add(commands.migrate)
    add(commands.ship, recipe, scale)
    name = ("name", {"nargs": "?", "help": "a name out of `vaetut bench --list`"})
    listed = ("--list", {"action": "store_true", "help": "the questions there are"})
    add(commands.bench, name, listed, as_json, needs="vaetut")
    folder = ("folder", {"type": Path, "help": "of images"})
    judge = add(commands.judge, recipe, folder, as_json)
    curves = judge.add_argument_group("images of polar curves")
    text = "of the axes, at the edges of an image (default -4 4 -4 4)"
    limits: dict[str, Any] = {
        "type": float,
        "nargs": 4,
        "default": [-4.0, 4.0, -4.0, 4.0],
    }
    ends = ("XMIN", "XMAX", "YMIN", "YMAX")
    curves.add_argument("--limits", metavar=ends, help=text, **limits)
    text = "equal: a unit is as long along x and y, and an image of another shape shows"
    text += " more of the plane (default); stretched: the limits fill any shape"
    aspects: dict[str, Any] = {"choices": ("equal", "stretched"), "default": "equal"}
    curves.add_argument("--aspect", help=text, **aspects)
    text = "axes: as --limits and --aspect say (default); reference: drawn and centred "
    text += "as the reference's images, which needs neither"
    canvases: dict[str, Any] = {"choices": ("axes", "reference"), "default": "axes"}
    curves.add_argument("--canvas", help=text, **canvases)
    curves.add_argument("--invert", action="store_true", help="they are black on white")
    return parser


if __name__ == "__main__":
    sys.exit(main())
