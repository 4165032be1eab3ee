"""TimeMaps (RFC 7089 5): which copies of a post there are, and from when, in application/link-format.

A copy in a web archive is named by its URL there. One of our own has no address on the web and is named by a URN, which
this archive's other exports use too. Where several posts are exported, each link says by `anchor` (RFC 6690 2.1) which
post it is about; the TimeMap of one post has none, and is what a Memento client expects.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import unicodedata
from typing import Any, BinaryIO

from archiver.exports import PROVES, PROVES_NOT, Contents, Export, giver
from archiver.exports.records import uri
from archiver.model import moment

_UNSAFE = re.compile(r"[^\w .@/-]", re.ASCII)


def write(contents: Contents, out: BinaryIO) -> None:
    """For each post the original, the TimeMap itself, and its mementos by time."""
    about = contents.about()
    anchored = about["posts"] != 1
    out.write(f'<urn:archiver:about>; rel="describedby"; title="{PROVES} {PROVES_NOT}"'.encode())
    for post in contents.posts():
        original = uri(post["url"])
        anchor = f'; anchor="{original}"' if anchored else ""
        name = uri(f"urn:archiver:timemap:{post['platform']}:{post['id']}")
        mementos = _mementos(post, contents)
        span = f'; from="{_http(mementos[0][0])}"; until="{_http(mementos[-1][0])}"' if mementos else ""
        out.write(f',\n<{original}>; rel="original"{anchor}'.encode())
        out.write(f',\n<{name}>; rel="self"; type="application/link-format"{span}{anchor}'.encode())
        for number, (at, url, note) in enumerate(mementos):
            rels = [*(["first"] if number == 0 else []), *(["last"] if number == len(mementos) - 1 else []), "memento"]
            out.write(f',\n<{url}>; rel="{" ".join(rels)}"; datetime="{_http(at)}"{note}{anchor}'.encode())
    out.write(b"\n")


def _mementos(post: dict[str, Any], contents: Contents) -> list[tuple[dt.datetime, str, str]]:
    """(when, where, what is to be said of it) of each copy, by time."""
    found = []
    for snapshot in post["snapshots"]:
        url = f"urn:archiver:snapshot:{snapshot['id']}"
        if snapshot["rank"] == "archive":
            url = uri(contents.record(snapshot["capture"])["url"])
        who = giver(snapshot["source"])
        # Only what can stand in a quoted string for every reader of link-format there is.
        plain = unicodedata.normalize("NFKD", who or "").encode("ascii", "ignore").decode()
        note = f'; title="imported by {_UNSAFE.sub(" ", plain).strip() or "somebody else"}"' if who else ""
        found.append((moment(snapshot["observed_at"]), url, note))
    return sorted(set(found))


def _http(at: dt.datetime) -> str:
    return email.utils.format_datetime(at, usegmt=True)


EXPORT = Export("timemap", ".link", "RFC 7089 TimeMaps: which copies of each post there are, and from when", write)
