"""The page on what was done and what was not, for people."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.runs.full_scale.plan import GROUPS
from vaetut.runs.full_scale.results import ELSEWHERE, Result, Results
from vaetut.runs.record import Record
from vaetut.training.progress import duration

COSTS = ("seconds", "images_per_second", "peak_memory_mb", "training_flops")
ABOUT = ("backend", "hardware", "versions", "precision", "scale", "seed")
SHOWN = 3  # facts of a check in its row


def facts_of(record: Record) -> dict[str, Any]:
    """Return what a record says of cost, circumstances and outcome."""
    facts = {name: getattr(record, name) for name in (*COSTS, *ABOUT)}
    losses = {name: values[-1] for name, values in record.history.items()}
    return facts | {"last_epoch": losses, "metrics": record.metrics}


def write(results: Results) -> None:
    """Write `page.md` anew; raises RunError if that fails."""
    text = "\n".join(_lines(results)) + "\n"
    path = results.out / "page.md"
    atomic.write_atomically(path, text.encode(), RunError, ELSEWHERE)


def share(facts: Mapping[str, Any], rates: Mapping[str, float]) -> float | None:
    """Return which share of the matrix rate a training reached; None: not known.

    `facts` are those of a training, `rates` of a precision in TFLOP/s.
    """
    rate, flops = facts.get("images_per_second"), facts.get("training_flops")
    card = rates.get(facts.get("precision", ""))
    return rate * flops / (card * 1e12) if rate and flops and card else None


def _lines(results: Results) -> Iterator[str]:
    found = list(results.of_list())
    facts = {result.name: result.facts for result in found}
    yield f"# What was done at {results.scale} scale, and what was not"
    machine = facts.get("machine") or {}
    yield ""
    yield f"{machine.get('hardware', 'The machine is not known')}. " + "; ".join(
        f"{name} {version}" for name, version in machine.get("versions", {}).items()
    )
    rates = (facts.get("rates") or {}).get("matrix", {})
    yield from _speeds(found, rates)
    for group, title in GROUPS.items():
        rows = [result for result in found if result.group == group]
        if rows:
            yield from ("", f"## {title}", "")
            yield from _table(("item", "state", "seconds", "found"), map(_row, rows))
        for result in rows:
            yield from _details(result)


def _speeds(found: Iterable[Result], rates: Mapping[str, float]) -> Iterator[str]:
    rows = []
    for result in found:
        facts = result.facts
        if not facts.get("images_per_second"):
            continue
        part = share(facts, rates)
        memory = facts.get("peak_memory_mb")
        rows.append(
            (
                result.name,
                duration(facts["seconds"]),
                f"{facts['images_per_second']:,.0f}",
                "not known" if part is None else f"{part:.1%}",
                f"{memory:,}" if memory else "",
            )
        )
    if rows:
        head = ("training", "took", "images a second", "of the matrix rate", "MB")
        yield from ("", "## Speed", "")
        yield from _table(head, rows)
        text = ", ".join(f"{k} {rate:.3g} TFLOP/s" for k, rate in rates.items())
        yield from ("", f"Matrix rate, measured here: {text or 'not measured'}.")


def _row(result: Result) -> tuple[str, ...]:
    seconds = "" if result.seconds is None else f"{result.seconds:.0f}"
    return result.name, result.state or "not begun", seconds, _found(result)


def _found(result: Result) -> str:
    """Return in a cell what an item found, or why it did not."""
    if result.state != "done" or result.note:
        return result.note
    facts = result.facts
    if "last_epoch" in facts:
        names = ("loss", "val_loss")
        parts = [f"{k} {facts['last_epoch'][k]:.2f}" for k in names]
        return ", ".join(parts) + " nats per image"
    plain = {k: v for k, v in facts.items() if isinstance(v, (str, int, float))}
    return "; ".join(f"{k} {_plain(v)}" for k, v in list(plain.items())[:SHOWN])


def _details(result: Result) -> Iterator[str]:
    """Yield a table for each fact of a check that is one: rows that are dicts."""
    if "last_epoch" in result.facts:
        return
    for name, fact in result.facts.items():
        rows = fact
        if isinstance(fact, dict):
            rows = [{"": k} | v for k, v in fact.items() if isinstance(v, dict)]
        if not isinstance(rows, list) or not rows:
            continue
        shown = {k: None for row in rows for k, v in row.items() if not _is_list(v)}
        cells = (tuple(_plain(row.get(k, "")) for k in shown) for row in rows)
        yield from ("", f"{result.name}, {name}:", "")
        yield from _table(tuple(shown), cells)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, dict))


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
