"""How slowly a site asks programs to read it: the Crawl-delay of its robots.txt.

RFC 9309 leaves Crawl-delay out; several search engines documented it as seconds between two requests. Only the delay
is read here: which pages a robots.txt disallows is said to crawlers, and an operator who names an article or a feed as
a source has chosen it.
"""

from __future__ import annotations

import re
import urllib.robotparser
from urllib.parse import urlsplit

#: The most that is read of one (RFC 9309 2.5 asks for at least 500 KiB).
MAX_BYTES = 512_000
#: No site makes us wait longer between two articles; what it says beyond is a mistake, or meant for others.
LONGEST = 60.0
NAME = "archiver"


def address(url: str) -> str:
    """Where the robots.txt that counts for *url* stands: one for each scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/robots.txt"


def delay(content: bytes) -> float | None:
    """Seconds between two requests that it asks of us, or of all programs; None where it asks for none."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    # The standard library's reader knows whole seconds only, so fractions are rounded up.
    text = re.sub(r"(?im)^([ \t]*crawl-delay[ \t]*:[ \t]*\d{1,9})\.\d*[1-9]\d*", _up, text)
    text = re.sub(r"(?im)^([ \t]*crawl-delay[ \t]*:[ \t]*\d{1,9})\.0*", r"\1", text)
    reader = urllib.robotparser.RobotFileParser()
    reader.parse(text.splitlines())
    stated = reader.crawl_delay(NAME)
    return min(float(stated), LONGEST) if stated else None


def _up(found: re.Match[str]) -> str:
    name, _, number = found[1].rpartition(":")
    return f"{name}: {int(number) + 1}"
