"""The real command, run as a person would, in a folder whose configuration leads to the simulated web."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.preloaded import Preloaded
from tests.simulator.serve import Web

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(home: Path) -> dict[str, str]:
    """What the command sees of this machine: where programs are, and nothing else."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}


@pytest.fixture
def home(tmp_path: Path, web: Web) -> Path:
    """A folder whose config.toml leads every host name to the simulated web."""
    (tmp_path / "config.toml").write_text(
        f"""
        [fetch]
        ca_file = {json.dumps(str(web.ca_file))}
        allow_addresses = ["127.0.0.0/8"]
        allow_ports = [80, 443, {web.port}]
        timeout = "10s"
        [fetch.resolve]
        "*" = "127.0.0.1:{web.port}"
        [hosts."web.archive.org/cdx"]
        per_minute = 60000
        [hosts."web.archive.org"]
        per_minute = 60000
        """
    )
    return tmp_path


@pytest.fixture(scope="session")
def preloaded(pytestconfig: pytest.Config) -> Iterator[Preloaded | None]:
    """With `--quick` the program already imported, for all commands of this session."""
    if not pytestconfig.getoption("quick"):
        yield None
        return
    with Preloaded() as running:
        yield running


@pytest.fixture
def archiver(home: Path, preloaded: Preloaded | None) -> Run:
    """Run the command in that folder; no proxy or home of this machine reaches it."""

    def run(*arguments: str, expect: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        seen = {**environment(home), **variables}
        if preloaded and not any(name.startswith("PYTHON") for name in variables):
            done = preloaded.run(list(arguments), home, seen, timeout=120)
        else:
            command = [sys.executable, "-m", "archiver", *arguments]
            done = subprocess.run(command, cwd=home, env=seen, capture_output=True, text=True, timeout=120)
        assert expect is None or done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run
