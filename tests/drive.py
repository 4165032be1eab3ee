"""Drive a look-up by hand: a dict is the web, and whatever it lacks fails the test by name."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from archiver.errors import FetchError
from archiver.model import Body, Capture, Request

T = TypeVar("T")

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
SHARED = Path(os.environ.get("ARCHIVER_SHARED") or Path(__file__).parents[1].parent / "shared")

needs_shared = pytest.mark.skipif(
    not (SHARED / "fixtures").is_dir(), reason="the shared collection is absent (set ARCHIVER_SHARED)"
)


def capture(
    url: str,
    body: bytes | str | Any = b"",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    at: dt.datetime = NOW,
) -> Capture:
    """An answer as the fetcher would store it; a body that is neither bytes nor text is sent as JSON."""
    raw = (
        body
        if isinstance(body, bytes)
        else (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "replace")
    )
    content = Body.of(raw)
    return Capture(
        url=url,
        method="GET",
        request_headers=(),
        request_body=Body.of(b""),
        status=status,
        protocol="HTTP/1.1",
        headers=tuple((headers or {}).items()),
        body=content,
        payload=content,
        started_at=at,
        ended_at=at,
    )


def drive(
    look: Generator[Request, Capture, T], web: Mapping[str, Capture | FetchError], asked: list[Request] | None = None
) -> T:
    """Run a look-up to its end against *web*; `asked` collects the requests it made, in order."""
    try:
        request = next(look)
        while True:
            if asked is not None:
                asked.append(request)
            answer = web.get(request.url)
            if answer is None:
                pytest.fail(f"unknown URL asked for: {request.method} {request.url}")
            request = look.throw(answer) if isinstance(answer, FetchError) else look.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # a generator's return value is untyped at the exception


def fixture(path: str) -> Any:
    """A real payload of ../shared, as JSON."""
    return json.loads((SHARED / "fixtures" / path).read_text())


def exchange(path: str, number: int = 0) -> Capture:
    """A real exchange of ../shared (`*.http.json`), in any of the forms its recorders wrote, as a capture."""
    record = fixture(path)
    record = record[number] if isinstance(record, list) else record
    answer = record.get("response", record)
    status = answer["status"]["code"] if isinstance(answer["status"], dict) else answer["status"]
    url = record["request"]["uri"] if isinstance(record.get("request"), dict) else record.get("request", "")
    headers = {name: values[-1] for name, values in answer["headers"].items()}
    url = url or headers.get("Content-Location", "")
    return capture(url, answer.get("body", answer.get("body_first", "")), status, headers)
