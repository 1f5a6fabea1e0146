"""Markers and options shared by every test."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings

# A run says the same twice, however busy the machine is: drawn examples are each time the same
# ones, and none has to end in time. `pytest --hypothesis-profile=search` draws others.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
    print_blob=True,
)
settings.register_profile("search", settings.get_profile("steady"), derandomize=False)
settings.load_profile("steady")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NOT_RUN = pytest.StashKey[int]()
"""How many browser tests were not run because there is no Chromium."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the real builds of many minutes")
    parser.addoption(
        "--require-browser", action="store_true", help="without Chromium, fail (as CI does)"
    )


def pytest_configure(config: pytest.Config) -> None:
    # A run started in the background inherits "ignore" for Ctrl-C and a closed terminal, and would
    # hand it on to the programs whose answer to them is tested.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def find_chromium() -> str | None:
    """The browser that is tested with: ``$CHROMIUM``, else the first known name on PATH."""
    named = os.environ.get("CHROMIUM")
    return (
        shutil.which(named)
        if named
        else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    )


@pytest.hookimpl(trylast=True)  # after -m and -k, so that only what was asked for is counted
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Deselected, not skipped: the run says how many, and none of them looks like a passed check.
    if not config.getoption("--slow"):
        _deselect(config, items, "slow")
    if find_chromium() is None:
        if config.getoption("--require-browser") and any(map(_in_browser, items)):
            raise pytest.UsageError(
                "no Chromium found ($CHROMIUM, or on PATH): apt install chromium"
            )
        config.stash[NOT_RUN] = _deselect(config, items, "browser")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count = config.stash.get(NOT_RUN, None)
    if count is None and config.getoption("numprocesses", None) and find_chromium() is None:
        terminalreporter.write_line("no Chromium here: browser tests were NOT RUN", yellow=True)
    elif count:
        terminalreporter.write_line(
            f"{count} browser tests were NOT RUN: no Chromium here; apt install chromium",
            yellow=True,
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    found = find_chromium()
    assert found is not None, "browser tests are deselected where there is no Chromium"
    return found


def _in_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def _deselect(config: pytest.Config, items: list[pytest.Item], marker: str) -> int:
    gone = [item for item in items if item.get_closest_marker(marker)]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]
    return len(gone)
