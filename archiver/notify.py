"""Tells somebody: a command that reads JSON on its standard input, or a webhook that it is posted to, or both.

A hook that fails, hangs or talks too much costs its own time and nothing else: it is given thirty seconds, its output
is not read, and its failure is an event in the log and a later try.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from archiver import __version__
from archiver.config import Config
from archiver.errors import ConfigError, FetchError
from archiver.fetch import Fetcher
from archiver.model import Request

#: Seconds that a hook has.
PATIENCE = 30.0


class _Failed(Exception):
    """A hook did not take a notice, and why; never with the webhook's address, which may hold a secret."""


class Hooks:
    """The configured hooks. `fetcher` asks for nothing but the webhook, so that no recording ever holds its address."""

    def __init__(self, config: Config, fetcher: Fetcher, environ: Mapping[str, str]) -> None:
        self._command = config.notify.command
        self._webhook = _address(config.notify.webhook, environ)
        self._fetcher = fetcher
        self._archive = str(config.archive)

    @property
    def exist(self) -> bool:
        return bool(self._command or self._webhook)

    async def deliver(self, notices: Sequence[Mapping[str, Any]], run: str) -> str | None:
        """Tell every hook; None, or what went wrong with one of them (the others may have been told)."""
        body = {
            "from": f"archiver/{__version__}",
            "archive": self._archive,
            "run": run,
            "text": "\n".join(map(in_words, notices)),
            "notices": list(notices),
        }
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        failures = []
        for hook in (self._run, self._post):
            try:
                await hook(content)
            except _Failed as error:
                failures.append(str(error))
        return "; ".join(failures) or None

    async def _run(self, content: bytes) -> None:
        if not self._command:
            return
        name = self._command[0]
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _Failed(f"the command {name} cannot be run: {getattr(error, 'strerror', None) or error}") from error
        try:
            async with asyncio.timeout(PATIENCE):
                await child.communicate(content)
        except TimeoutError as error:
            raise _Failed(f"the command {name} took longer than {PATIENCE:.0f} s, and was ended") from error
        finally:
            # With all that it started: the session is its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        if child.returncode:
            raise _Failed(f"the command {name} ended with {child.returncode}")

    async def _post(self, content: bytes) -> None:
        if not self._webhook:
            return
        request = Request(
            self._webhook,
            method="POST",
            headers=(("Content-Type", "application/json"),),
            body=content,
            follow=0,
            max_bytes=1 << 16,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                answer = (await self._fetcher.fetch(request))[-1]
        except TimeoutError as error:
            raise _Failed(f"the webhook took longer than {PATIENCE:.0f} s") from error
        except FetchError as error:
            # Its message names the address.
            raise _Failed(f"the webhook gave no answer ({error.reason})") from None
        if not 200 <= (answer.status or 0) < 300:
            raise _Failed(f"the webhook answered {answer.status}")


def _address(stated: str | None, environ: Mapping[str, str]) -> str | None:
    if stated is None or not stated.startswith("env:"):
        return stated
    name = stated.removeprefix("env:")
    found = environ.get(name)
    if not found:
        raise ConfigError(f"notify.webhook: the environment variable {name} is not set")
    if not found.startswith(("https://", "http://")):
        raise ConfigError(f"notify.webhook: the environment variable {name} holds no URL")
    return found


def in_words(notice: Mapping[str, Any]) -> str:
    """A notice as a line for people; chat services show the field `text`."""
    event = notice["event"]
    if event in ("post missing", "post gone", "post back"):
        what = {
            "post missing": "is missing, for the first time",
            "post gone": "is gone",
            "post back": "is there again",
        }[event]
        kept = "archived" if notice.get("archived") else "not archived"
        return f"{notice['url']} {what} ({notice.get('reason', 'ok')}; {kept})"
    subject = notice.get("source") or notice.get("host") or notice.get("archive") or ""
    return f"{event}: {subject} {notice.get('error', '')}".strip()
