"""The table of attacks counts what was tried and what was survived."""

from types import SimpleNamespace

from attacks import ROWS, Table


def report(row, passed=True, when="call", tried=1, **said):
    properties = [("attack", row), ("tried", tried), *said.items()]
    return SimpleNamespace(passed=passed, when=when, user_properties=properties)


def test_a_row_counts_each_kill_and_is_full_when_all_were_survived():
    table = Table()
    for row in ROWS:
        table.pytest_runtest_logreport(report(row, when="setup"))
        table.pytest_runtest_logreport(report(row, tried=50))
        table.pytest_runtest_logreport(report(row, when="teardown"))
    assert table.full and str(table).count("| 50 | 50 |") == len(ROWS)


def test_what_fails_is_skipped_or_missing_leaves_a_row_that_is_not_full():
    table = Table()
    assert not table.full
    table.pytest_runtest_logreport(report("ship", False, tried=50, survived=49))
    table.pytest_runtest_logreport(report("disk", False))
    table.pytest_runtest_logreport(report("judge", False, when="setup"))  # skipped
    lines = str(table).splitlines()
    for row, counts in {"ship": (50, 49), "disk": (1, 0), "judge": (1, 0)}.items():
        assert "| {} | {} | {} |".format(ROWS[row], *counts) in lines
    assert not table.full
