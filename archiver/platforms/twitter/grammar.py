"""What an X/Twitter post's URL, id and embed look like (PLATFORMS.md 0, 1.1 and 2)."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef
from archiver.platforms import Markup

#: Ids up to here (2010-11-04) were counted, not timed: the snowflake rule gives nonsense for them.
LAST_SEQUENTIAL = 29700859247
EPOCH_MS = 1288834974657

# Nitter's instances come and go, so a mirror is known by its name or by the `#m` its links end in.
_HOST = (
    r"(?:https?:)?//(?:[\w-]+\.)*?(?:(?:[fv]x)?twitter|x|fix(?:up|v)x|"
    r"twitter3e4tixl4xyajtrzo62zg5vztmjuricljdp2c5kshju4avyoid)"
)
_STATUS = re.compile(
    _HOST + r"\.(?:com|onion)(?::\d+)?/+(?:#!/)?"
    r"(?:[^/?#\s]{1,40}/+status(?:es)?|i/(?:web/)?status|statuses)/+(\d{2,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_NITTER = re.compile(
    r"(?:https?:)?//(?:(?:[\w-]+\.)*(?:nitter[\w-]*|xcancel)(?:\.[\w-]+)+|(?=[^#\s]*#m$)[\w.-]+\.[\w-]+)"
    r"/(?:\w{1,20}|i(?:/web)?)/status(?:es)?/(\d{2,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)
# widgets.js since 2020, and the frames people write by hand (PLATFORMS.md 1.1).
_FRAME = re.compile(
    r"(?:https?:)?//platform\.(?:twitter|x)\.com/embed/(?:Tweet|index)\.html\?(?:[^#]*&(?:amp;)?)?id=(\d{2,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)

MARKUP = Markup(
    screens=(
        r"/status(?:es)?/+\d{2}",
        r"platform\.(?:twitter|x)\.com/embed/(?:Tweet|index)\.html",
        r"tweet-?_?id",
        r"twitter-(?:tweet|video)",
        r"createTweet",
        r"t\.co/\w",
        r"pic\.(?:twitter|x)\.com/\w",
        r"\[tweet ",
        r"\{(?:\{[<%]|%)-?\s?(?:tweet|twitter|x)(?:_simple)?\s",
        r"""(?:id|tweet)=["']\d{15,20}["']""",
    ),
    classes=("twitter-tweet", "twitter-video", "twitter-tweet-rendered"),
    tags=("amp-twitter", "twitter-widget"),
    attributes=(
        ("data-tweet-id", r"(\d{5,20})"),
        ("data-tweetid", r"(\d{5,20})"),
        ("tweet-id", r"(\d{5,20})"),
        ("tweetid", r"(\d{5,20})"),
    ),
    placeholders=tuple(
        (name, r"tweet|twitter", r"(\d{15,20})")
        for name in ("id", "data-id", "data-embed-id", "data-tweet", "data-status-id", "data-twitter-id")
    ),
    calls=(
        r"""createTweet(?:Embed)?\(\s*["'](\d{5,20})["']""",
        r"""\[tweet\s+id=["']?(\d{5,20})""",
    ),
    shortlink=r"(?:https?:)?//(?:www\.)?(?:t\.co|pic\.(?:twitter|x)\.com)/(\w{4,40})(?:[/?#].*)?",
    codes=r"(?:pic\.(?:twitter|x)\.com|t\.co(?<![A-Za-z0-9.-]t\.co)|https?://t\.co)/([A-Za-z0-9]{7,10})",
    pic_codes=r"pic\.(?:twitter|x)\.com/([A-Za-z0-9]{7,10})",
    handle=r"[A-Za-z0-9_]{1,20}",
    has_dates=True,
    is_last=True,
    author=r"//[^/]*/(?:#!/)?(?!i/|statuses/)(\w{1,20})/status",
)


def match(url: str) -> PostRef | None:
    """The post a URL names, on any alias or mirror of the host. X does not check the handle in the path, so nor do
    we."""
    found = _STATUS.match(url) or _NITTER.match(url) or _FRAME.match(url)
    return PostRef("twitter", str(int(found[1]))) if found else None


def url(ref: PostRef) -> str:
    """The display URL that needs no handle."""
    return f"https://x.com/i/status/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond a snowflake id was made; None for the sequential ids before 2010-11-04."""
    if int(id) <= LAST_SEQUENTIAL:
        return None
    return dt.datetime.fromtimestamp(((int(id) >> 22) + EPOCH_MS) / 1000, dt.UTC)
