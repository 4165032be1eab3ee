"""An httpx client that finds the simulated web's names on loopback, as a resolver would tell it to."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx

from tests.simulator import Web


class _Resolving(httpcore.SyncBackend):
    def __init__(self, web: Web) -> None:
        self._web = web

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        address, real_port = self._web.resolve(host, port)
        return super().connect_tcp(address, real_port, *args, **kwargs)


def client(web: Web, **options: Any) -> httpx.Client:
    """Speaks TLS to the real names, trusts the test CA, follows no redirect unless told to."""
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=web.ca_file))
    transport._pool._network_backend = _Resolving(web)
    return httpx.Client(transport=transport, trust_env=False, **options)
