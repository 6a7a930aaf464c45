"""What the tests share that are no notebooks."""

import pytest
from attacks import ROWS


def pytest_addoption(parser):
    text = "how often a test of the table of attacks kills (default 2)"
    parser.addoption("--kills", type=int, default=2, metavar="N", help=text)


@pytest.fixture(scope="session")
def kills(request):
    """How often to kill, each time at another moment; `tests/attacks.py` asks for 50.

    Of a test that fails, `record_property("survived", n)` says how often all was well.
    """
    return request.config.getoption("kills")


def pytest_collection_modifyitems(config, items):
    """Let every report say which row of the table of attacks it counts for."""
    for item in items:
        mark = item.get_closest_marker("attack")
        if mark is None:
            continue
        (row,) = mark.args
        if row not in ROWS:
            raise pytest.UsageError(
                f"{item.nodeid}: no row {row!r} in the table of attacks: choose one of "
                f"{', '.join(ROWS)}, or add it to tests/attacks.py"
            )
        tries = config.getoption("kills") if "kills" in item.fixturenames else 1
        item.user_properties += [("attack", row), ("tried", tries)]
