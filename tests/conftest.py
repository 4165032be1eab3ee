"""Shared ground for all tests: where the collection of real payloads lies, and what may be skipped in CI."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Fixtures for everybody: a simulated web, the same served on loopback, and the command that is led there.
pytest_plugins = ("tests.simulator.plugin", "tests.commands")

#: In CI a skipped test fails the run, because what is not run is not known. These may be skipped, and why.
MAY_SKIP = {
    "the shared collection is absent": "the project must pass without the collection of real payloads beside it",
    "node is absent": "only compares our token with Node's own arithmetic; vectors made with Node are always tested",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="the developer's loop: commands are forked from a process that has imported the program, and a property "
        "is tried with fewer examples",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("quick"):
        settings.register_profile("quick", max_examples=20)
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Thousands of tests are many objects, and none of them is ever garbage: do not look through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The collection of real articles and payloads: `$ARCHIVER_SHARED`, else `shared` beside the project."""
    named = os.environ.get("ARCHIVER_SHARED")
    path = Path(named) if named else Path(__file__).parents[2] / "shared"
    if not path.is_dir():
        pytest.skip("the shared collection is absent")
    return path


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not any(reason.startswith(allowed) for allowed in MAY_SKIP):
            _skipped.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") and _skipped and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and _skipped:
        terminalreporter.section("skipped in CI, and not on the list in tests/conftest.py")
        for each in _skipped:
            terminalreporter.line(each)
