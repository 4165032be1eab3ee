"""What an X/Twitter post's URL and id look like (PLATFORMS.md 0 and 1.1)."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef

#: Ids up to here (2010-11-04) were counted, not timed: the snowflake rule gives nonsense for them.
LAST_SEQUENTIAL = 29700859247
EPOCH_MS = 1288834974657

_STATUS = re.compile(
    r"^(?:https?:)?//(?:(?:www|mobile|m)\.)?(?:(?:[fv]x)?twitter|x|fix(?:up|v)x)\.com/(?:#!/)?"
    r"(?:\w{1,20}/status(?:es)?|i/(?:web/)?status|statuses)/(\d{2,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a status URL names, on any alias of the host. X does not check the handle in the path, so nor do we."""
    found = _STATUS.match(url)
    return PostRef("twitter", str(int(found[1]))) if found else None


def url(ref: PostRef) -> str:
    """The display URL that needs no handle."""
    return f"https://x.com/i/status/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond a snowflake id was made; None for the sequential ids before 2010-11-04."""
    if int(id) <= LAST_SEQUENTIAL:
        return None
    return dt.datetime.fromtimestamp(((int(id) >> 22) + EPOCH_MS) / 1000, dt.UTC)
