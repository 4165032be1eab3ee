"""A report that a judge or an editor can read: one page, nothing but text, tables and the media themselves.

For each post: what it said, when, how it was seen, by whom and when it was not, each answer's digest, what each article
says of it compared field by field, and what all this proves and does not.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from archiver.exports import Contents, Export, markup
from archiver.exports.markup import link, minute, said, text

_STATES = {
    "archived": "A copy of the post and of all its media is kept.",
    "partial": "A copy of the post is kept; some of its media could not be had.",
    "gone": "The post is gone: two looks at different times say so, and no web archive has it.",
    "hidden": "The post exists, and no source shows it to the public.",
    "pending": "Not decided yet: it will be tried again.",
    "unsupported": "No source of this program can show it.",
}
_RANKS = {
    "first-hand": "the platform itself",
    "third-party": "somebody who relays it",
    "archive": "a web archive",
    "article": "the article's own quotation",
}
_COLOURS = {"corroborated": "yes", "differs": "off", "contradicted": "no", "unconfirmed": ""}


def write(contents: Contents, out: BinaryIO) -> None:
    """A page: the selection, then a section per post, then the embeds that led to none."""
    about = contents.about()
    chosen = "; ".join(f"{name}: {value}" for name, value in about["selection"].items()) or "everything in the archive"
    example = "<p><strong>This archive is the bundled example.</strong></p>" if about["example"] else ""
    markup.open_page(
        out,
        "Report on archived posts",
        f"{example}<p>{about['posts']} posts, shown {about['embeds']} times, with {about['captures']} captures made "
        f"{minute(about['first_at'])} to {minute(about['last_at'])}, by {text(about['software'])}. "
        f"Selection: {said(chosen)}. All times are UTC.</p>"
        "<p>A capture is one answer to one request, kept byte for byte. Its SHA-256 is a number that any change to "
        "the bytes would change: to check a file yourself, run <code>sha256sum FILE</code> and compare.</p>",
    )
    for post in contents.posts():
        _write_post(out, post, contents)
    loose = False
    for embed in contents.embeds():
        if embed["post"]:
            continue
        if not loose:
            out.write(b"<h2>Shown, and not identified</h2>\n")
            loose = True
        out.write(_unresolved(embed).encode())
    markup.close_page(out)


def _write_post(out: BinaryIO, post: dict[str, Any], contents: Contents) -> None:
    state = _STATES.get(post["state"], post["state"])
    out.write(
        f"<article><h2>{said(post['platform'])} post {said(post['id'])}</h2>\n<p><strong>{text(state)}</strong> "
        f"Reason: {text(post['reason'])}. {link(post['url'], post['url'])}</p>\n".encode()
    )
    snapshot = markup.best(post)
    if snapshot:
        out.write(b"<figure>\n")
        markup.write_post(out, post, snapshot, contents)
        out.write(b"</figure>\n")
    if post["live"]:
        live = post["live"]
        out.write(
            f"<p>On the platform: {text(live['outcome'])} ({text(live['reason'])}), {minute(live['at'])}.</p>".encode()
        )
    _table(
        out,
        "Every look at it",
        ("When", "Source", "Outcome", "Its own words"),
        (
            (
                minute(each["started_at"]),
                f"{said(each['source'])}: {text(_RANKS.get(each['rank'], each['rank']))}",
                f"{text(each['outcome'])} ({text(each['reason'])})",
                said(each["tombstone"] or each["detail"] or ""),
            )
            for each in post["attempts"]
        ),
    )
    _table(
        out,
        "Who looked, and with what",
        ("Run", "From and to", "Program and its parsers", "Operator", "SHA-256 of the configuration"),
        (
            (
                said(each["id"]),
                f"{minute(each['started_at'])} to {minute(each['ended_at'])}",
                said(each["software"]),
                said(each["operator"] or "not stated"),
                f"<code>{text(each['configuration'] or '')}</code>",
            )
            for each in post["runs"]
        ),
    )
    _differences(out, post["snapshots"])
    for shown in post["articles"]:
        _write_claim(out, shown)
    _table(
        out,
        "The captures",
        ("When", "What was asked", "Answer", "Bytes and SHA-256 of what came back"),
        (_capture(each, contents) for each in post["captures"]),
    )
    out.write(b"</article>\n")


def _capture(line: dict[str, Any], contents: Contents) -> tuple[str, ...]:
    record = contents.record(line["id"])
    origin = record["origin"]
    said_of_origin = {
        "live": "asked on the live web",
        "file": "read from a file",
        "replay": f"from a recording ({origin['container']}, record {origin['record']})",
        "import": f"somebody else's capture ({origin['container']}, record {origin['record']})",
    }.get(origin["kind"], origin["kind"])
    via = ", led here by another answer" if record["redirected_from"] else ""
    cut = f", cut short ({text(record['truncated'])})" if record["truncated"] else ""
    where = f" by {text(record['server_address'])}" if record["server_address"] else ""
    proxy = " through a proxy" if record["proxy"] else ""
    certificate = (
        f"<br>certificate SHA-256 <code>{text(record['tls_certificate'])}</code>" if record["tls_certificate"] else ""
    )
    return (
        f"{minute(record['started_at'])}<br><small>{text(record['started_at'])} to {text(record['ended_at'])}</small>",
        f"{text(record['method'])} {said(record['url'])}<br><small>{said(said_of_origin)}{via}</small>",
        f"{text(record['status'] or 'file')}{where}{proxy}{cut}{certificate}",
        f"{record['payload']['size']}<br><code>{text(record['payload']['sha256'])}</code><br>"
        f"<small>capture <code>{text(line['id'])}</code></small>",
    )


def _differences(out: BinaryIO, snapshots: list[dict[str, Any]]) -> None:
    """Where two looks at the same post do not agree, both are shown."""
    seen: dict[str, dict[str, list[str]]] = {}
    for each in snapshots:
        shown = each["post"]
        fields = {
            "text": shown["text"], "handle": shown["author"]["handle"], "name": shown["author"]["name"],
            "time": shown["created_at"] or shown["created_on"], "media": str(len(shown["media"])),
        }  # fmt: skip
        for name, value in fields.items():
            if value is not None:
                seen.setdefault(name, {}).setdefault(value, []).append(f"{each['source']}, {each['observed_at'][:10]}")
    rows = [
        (text(name), said(value), said("; ".join(who)))
        for name, values in seen.items()
        if len(values) > 1
        for value, who in values.items()
    ]
    if rows:
        _table(out, "Where the looks differ", ("Field", "What was seen", "By"), rows)


def _write_claim(out: BinaryIO, shown: dict[str, Any]) -> None:
    verdict = shown["corroboration"] or {"overall": "not compared", "fields": {}}
    place = f", characters {shown['start']} to {shown['end']}" if shown["start"] is not None else ""
    steps = (shown["resolution"] or {}).get("evidence", [])
    how = "; ".join(f"{step['rung']}: {step['detail']}" for step in steps)
    out.write(
        f"<h3>In {link(shown['location'], shown['location'])}</h3>\n<p>As {text(shown['kind'])}{place}. The article "
        f"against the post: <strong>{text(verdict['overall'])}</strong>. How it was identified: {said(how or '–')}. "
        f"Capture of the article: <code>{text(shown['capture'])}</code></p>\n".encode()
    )
    _table(
        out,
        "Field by field",
        ("Field", "Verdict", "The article says", "The post says", "Difference"),
        (
            (text(name), text(field["verdict"]), said(field["claimed"] or ""), said(field["seen"] or ""),
             said(field["note"] or ""))
            for name, field in verdict["fields"].items()
        ),
        [_COLOURS.get(field["verdict"], "") for field in verdict["fields"].values()],
    )  # fmt: skip


def _unresolved(embed: dict[str, Any]) -> str:
    candidates = (embed["resolution"] or {}).get("candidates", [])
    listed = "".join(
        f"<li>{said(each['ref']['platform'] + ':' + each['ref']['id'])}, score {text(each['score'])}: "
        f"{said('; '.join(each['reasons']))}</li>"
        for each in candidates
    )
    claims = [embed["handle"], embed["name"], embed["date"], embed["text"], embed["url"], " ".join(embed["codes"])]
    return (
        f"<h3>In {link(embed['location'], embed['location'])}</h3>\n<p>{said(' · '.join(filter(None, claims)))}: "
        f"{text(embed['state'])} ({text(embed['reason'])}).</p>\n" + (f"<ul>{listed}</ul>\n" if listed else "")
    )


def _table(out: BinaryIO, caption: str, head: tuple[str, ...], rows: Any, classes: list[str] | None = None) -> None:
    started = False
    for number, row in enumerate(rows):
        if not started:
            started = True
            cells = "".join(f"<th>{text(name)}</th>" for name in head)
            out.write(f"<h3>{text(caption)}</h3>\n<table><thead><tr>{cells}</tr></thead><tbody>\n".encode())
        mark = f' class="{classes[number]}"' if classes and classes[number] else ""
        out.write(f"<tr{mark}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n".encode())
    if started:
        out.write(b"</tbody></table>\n")


EXPORT = Export("report", ".report.html", "one page for a judge or an editor: what, when, how seen, verdicts", write)
