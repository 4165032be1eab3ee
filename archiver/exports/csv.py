"""CSV: one row per embed, safe to open in a spreadsheet, for reporters and for counting.

A cell that a spreadsheet could take for a formula, or for a number that it would round, gets an apostrophe before it,
and so does one that starts with an apostrophe: taking one away again gives the original. Control characters are shown
as their pictures (U+2400…). Every cell is quoted. The file starts with a byte order mark, because without one the most
used spreadsheet shows anything but ASCII as noise; programs read `utf-8-sig`, or better the jsonl export, which changes
nothing.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any, BinaryIO

from archiver.exports import PROVES, PROVES_NOT, Contents, Export

COLUMNS = (
    "record", "article", "article_capture", "start", "end", "kind", "where", "in_body", "platform", "post", "post_url",
    "state", "reason", "rung", "candidates", "verdict", "handle_verdict", "name_verdict", "date_verdict",
    "text_verdict", "codes_verdict", "differences", "claimed_handle", "claimed_name", "claimed_date", "claimed_text",
    "claimed_url", "codes", "handle", "name", "author_id", "posted_at", "text", "source", "rank", "observed_at",
    "live", "live_reason", "live_at", "media_kept", "media_missing", "media_sha256", "snapshots", "attempts", "embed",
)  # fmt: skip

#: What starts a formula somewhere (CWE-1236), also in its full-width form; quotes are escaped to keep it reversible.
_ACTIVE = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n|%'"
_PICTURES = {code: 0x2400 + code for code in range(32) if code not in (9, 10, 13)} | {127: 0x2421}
#: What a spreadsheet would take for a number and round or rewrite: the id of a post has 19 digits, it keeps 15.
_NUMBER = re.compile(r"0\d+|\d{12,}|\d+(?:\.\d+)?[eE]\d+")
#: A cell longer than this is cut by spreadsheets, which then show the rest as further rows.
_LONGEST = 32_000


def write(contents: Contents, out: BinaryIO) -> None:
    """A header, a row `about` that says what the file proves and what not, and a row per embed by article and place."""
    out.write(b"\xef\xbb\xbf")
    about = contents.about()
    says = f"{about['software']}. {PROVES} {PROVES_NOT}"
    out.write(_line(list(COLUMNS)))
    out.write(_line([{"record": "about", "text": says}.get(name, "") for name in COLUMNS]))
    for embed in contents.embeds():
        row = _row(embed, contents)
        out.write(_line([row[name] for name in COLUMNS]))


def _row(embed: dict[str, Any], contents: Contents) -> dict[str, Any]:
    post = contents.post(embed["platform"], embed["post"]) if embed["post"] else {}
    verdict = embed["corroboration"] or {"overall": None, "fields": {}}
    resolution = embed["resolution"] or {}
    fields = verdict["fields"]
    snapshots = post.get("snapshots", [])
    media = post.get("media", [])
    live = post.get("live") or {}
    candidates = [f"{each['ref']['platform']}:{each['ref']['id']}" for each in resolution.get("candidates", [])]
    differences = [
        f"{name}: {field['note'] or '{!r} / {!r}'.format(field['claimed'], field['seen'])}"
        for name, field in fields.items()
        if field["verdict"] in ("differs", "contradicted")
    ]
    return {
        "record": "embed",
        "article": embed["location"],
        "article_capture": embed["capture"],
        "start": embed["start"],
        "end": embed["end"],
        "kind": embed["kind"],
        "where": embed["where"],
        "in_body": embed["in_body"],
        "platform": embed["platform"],
        "post": embed["post"],
        "post_url": post.get("url"),
        "state": embed["state"],
        "reason": embed["reason"],
        "rung": resolution.get("rung"),
        "candidates": " ".join(candidates),
        "verdict": verdict["overall"],
        **{f"{name}_verdict": fields.get(name, {}).get("verdict") for name in ("handle", "name", "date", "text")},
        "codes_verdict": fields.get("codes", {}).get("verdict"),
        "differences": "; ".join(differences),
        "claimed_handle": embed["handle"],
        "claimed_name": embed["name"],
        "claimed_date": embed["date"],
        "claimed_text": embed["text"],
        "claimed_url": embed["url"],
        "codes": " ".join(embed["codes"]),
        "handle": post.get("handle"),
        "name": post.get("name"),
        "author_id": snapshots[0]["post"]["author"]["id"] if snapshots else None,
        "posted_at": post.get("posted_at"),
        "text": post.get("text"),
        "source": snapshots[0]["source"] if snapshots else None,
        "rank": snapshots[0]["rank"] if snapshots else None,
        "observed_at": snapshots[0]["observed_at"] if snapshots else None,
        "live": live.get("outcome"),
        "live_reason": live.get("reason"),
        "live_at": live.get("at"),
        "media_kept": sum(bool(each["sha256"]) for each in media) if post else None,
        "media_missing": sum(not each["sha256"] for each in media) if post else None,
        "media_sha256": " ".join(each["sha256"] for each in media if each["sha256"]),
        "snapshots": len(snapshots) if post else None,
        "attempts": len(post["attempts"]) if post else None,
        "embed": embed["embed"],
    }


def safe(value: Any) -> str:
    """A value as the text of a cell: nothing in it acts, and one apostrophe less gives the value back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value).translate(_PICTURES)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    if isinstance(value, int):
        return text
    # Spreadsheets look past spaces and invisible marks before they decide what a cell is.
    seen = text.lstrip(" \u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    is_active = bool(seen) and (seen[0] in _ACTIVE or text[0] in _ACTIVE)
    return f"'{text}" if is_active or _NUMBER.fullmatch(text) else text


def _line(values: list[Any]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([safe(value) for value in values])
    return buffer.getvalue().encode("utf-8", "replace")


EXPORT = Export("csv", ".csv", "one row per embed, safe in spreadsheets", write)
