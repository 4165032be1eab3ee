"""Save Page Now 2, the Wayback Machine's way of being asked for a copy (PLATFORMS.md 3.6).

`POST /save` with the account's S3 key pair answers with a job; `GET /save/status/JOB` says how it goes. Pure: requests
are built and answers read here, asked elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from archiver.errors import ParseError
from archiver.model import Capture, Request

#: The environment variable that holds `ACCESSKEY:SECRET`, as https://archive.org/account/s3.php gives the two.
KEYS = "INTERNET_ARCHIVE_KEYS"
HOME = "https://web.archive.org/save"
_ACCEPT = (("Accept", "application/json"),)
#: What will not be otherwise tomorrow: asking again is no use.
_FINAL = frozenset(
    {
        "error:blocked-url", "error:blocked", "error:filesize-limit", "error:invalid-url-syntax",
        "error:invalid-host-resolution", "error:not-found", "error:gone", "error:no-access", "error:method-not-allowed",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive said. `job` where it accepted the address; `memento` where the copy is made; `problem` where it
    is not, with `is_limit` where that is the account's limit and `is_final` where asking again is no use. Nothing of
    these: it is at it."""

    job: str | None = None
    memento: str | None = None
    problem: str | None = None
    is_limit: bool = False
    is_final: bool = False


def ask(url: str) -> Request:
    """Have a copy made of *url*."""
    return Request(
        HOME,
        method="POST",
        headers=(*_ACCEPT, ("Content-Type", "application/x-www-form-urlencoded")),
        body=urlencode({"url": url, "skip_first_archive": "1"}).encode("ascii"),
        follow=0,
        secret=(KEYS, "LOW"),
    )


def look(job: str) -> Request:
    """Ask how a job goes."""
    return Request(f"{HOME}/status/{quote(job, safe='')}", headers=_ACCEPT, follow=0, secret=(KEYS, "LOW"))


def answer(capture: Capture) -> Answer:
    """What an answer to `ask` or `look` says. ParseError for what is neither."""
    if capture.status in (401, 403):
        return Answer(problem=f"the keys in {KEYS} are not accepted ({capture.status})", is_limit=True)
    try:
        said = json.loads(capture.content)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{HOME}: answered {capture.status} with what is no JSON ({error})") from error
    if not isinstance(said, dict):
        raise ParseError(f"{HOME}: answered {capture.status} with what is no job")
    status, code, message = (_text(said.get(name)) for name in ("status", "status_ext", "message"))
    if status == "success":
        timestamp, original = _text(said.get("timestamp")), _text(said.get("original_url"))
        if not timestamp.isdecimal() or not original:
            raise ParseError(f"{HOME}: says that a copy was made, and not when or of what")
        return Answer(memento=f"https://web.archive.org/web/{timestamp}/{original}")
    if status == "pending":
        return Answer()
    # Save Page Now has no code for this one; scripts that use it go by the words.
    is_limit = "reached the limit" in message or code in ("error:too-many-daily-captures", "error:user-session-limit")
    if status == "error" or is_limit:
        return Answer(
            problem=" ".join(filter(None, (code, message))) or "no reason given",
            is_limit=is_limit,
            is_final=code in _FINAL,
        )
    job = _text(said.get("job_id"))
    if job:
        return Answer(job=job)
    if message:
        return Answer(problem=message)
    raise ParseError(f"{HOME}: answered {capture.status} with neither a job nor a reason")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
