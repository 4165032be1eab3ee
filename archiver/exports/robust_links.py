"""Robust Links: links that still say where they led when what they led to has gone.

`data-originalurl`, `data-versiondate` and `data-versionurl` as in https://robustlinks.mementoweb.org/spec/: a reader
(or a script of the publisher's) can go to the original, to the archived copy, or ask any web archive for that date.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from archiver.exports import Contents, Export, giver, markup


def write(contents: Contents, out: BinaryIO) -> None:
    """A list of links by article: one for each embed whose post is known, to be pasted in the embed's place."""
    markup.open_page(
        out,
        "Robust links to the posts that articles show",
        "<p>Each link names the post, the day it was seen, and an archived copy on the web where one is known.</p>",
    )
    article = None
    for embed in contents.embeds():
        if embed["article"] != article:
            closing = "</ul>" if article else ""
            article = embed["article"]
            out.write(f"{closing}\n<h2>{markup.link(embed['location'], embed['location'])}</h2>\n<ul>\n".encode())
        out.write(f"<li>{_link(embed, contents)}</li>\n".encode())
    out.write(b"</ul>\n" if article else b"<p>No article shows a post.</p>\n")
    markup.close_page(out)


def _link(embed: dict[str, Any], contents: Contents) -> str:
    if not embed["post"]:
        who = embed["handle"] or embed["url"] or " ".join(embed["codes"]) or embed["platform"]
        return f"{markup.said(who)}: which post is meant, is not known ({markup.text(embed['reason'])})"
    post = contents.post(embed["platform"], embed["post"])
    who = f"@{post['handle']}" if post["handle"] else f"{post['platform']} post {post['id']}"
    at, copy, who_else = None, None, None
    for snapshot in post["snapshots"]:
        if at is None:
            at, who_else = snapshot["observed_at"], giver(snapshot["source"])
        if snapshot["rank"] == "archive" and copy is None:
            # The address of the page as people see it, not of its bare bytes.
            url = contents.record(snapshot["capture"])["url"]
            copy, at = re.sub(r"(/web/\d{14})[a-z]{2}_/", r"\1/", url), snapshot["observed_at"]
            who_else = giver(snapshot["source"])
    attributes = {"data_originalurl": post["url"]}
    if at or post["posted_at"]:
        attributes["data_versiondate"] = (at or post["posted_at"])[:10]
    if copy:
        attributes["data_versionurl"] = copy
    day = (post["posted_at"] or "")[:10]
    note = f" (this copy was imported by {markup.said(who_else)}, and not seen by this archive)" if who_else else ""
    return markup.link(post["url"], f"{who} {day} ({post['id']})".replace("  ", " "), **attributes) + note


EXPORT = Export("robust-links", ".robust-links.html", "links that name the original, the date and a copy", write)
