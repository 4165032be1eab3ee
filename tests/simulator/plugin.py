"""Fixtures: an empty `world`, and `web`, the same world served on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.serve import Authority, Web
from tests.simulator.world import World


@pytest.fixture(scope="session")
def authority() -> Authority:
    """One test CA a session: making certificates is the slow part."""
    return Authority()


@pytest.fixture(scope="session")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def world() -> World:
    """An empty simulated web whose clock stands at 2026-11-22 12:00 UTC."""
    return World()


@pytest.fixture
def web(world: World, authority: Authority, ca_file: Path) -> Iterator[Web]:
    """`world`, served: `web.resolve`, `web.port`, `web.ca_file`, `web.proxy_url`."""
    with Web(world, authority, ca_file) as running:
        yield running
