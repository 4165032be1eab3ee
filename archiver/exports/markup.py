"""HTML that runs nothing, loads nothing and sends nowhere, whatever is put in it.

Every text is escaped, stands in a `bdi` (so that marks of direction end where the text ends) and shows control
characters as their pictures. Only http and https become links. Media stand in the page as `data:` URIs, if they are
what browsers show without running anything: never SVG or HTML.
"""

from __future__ import annotations

import base64
import html
import re
from typing import Any, BinaryIO

from archiver.exports import PROVES, PROVES_NOT, Contents

#: The page may show what is in it and nothing else. A meta element, because the page is a file and has no headers.
POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_SHOWN = {
    "image/jpeg": "img", "image/png": "img", "image/gif": "img", "image/webp": "img", "image/avif": "img",
    "video/mp4": "video", "video/webm": "video", "audio/mpeg": "audio", "audio/mp4": "audio", "audio/ogg": "audio",
}  # fmt: skip
#: Larger media are named and not shown, in bytes: a page with a film in it opens nowhere.
LARGEST = 8_000_000
_PICTURES = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {127: 0x2421, 0xFFFE: 0xFFFD}
_PIECE = 3 * 64 * 1024
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;"
    "background:#fff}h1,h2,h3{line-height:1.2}article{border-top:2px solid #111;margin-top:2rem}"
    "figure{margin:1rem 0;border:1px solid #999;border-radius:6px;padding:1rem;overflow-wrap:anywhere}"
    "blockquote{margin:0 0 .5rem;white-space:pre-wrap}img,video{max-width:100%;height:auto}"
    "table{border-collapse:collapse;width:100%;font-size:14px}th,td{border:1px solid #bbb;padding:.25rem .4rem;"
    "text-align:start;vertical-align:top;overflow-wrap:anywhere}code{font-size:12px;overflow-wrap:anywhere}"
    "figcaption,small{color:#444;font-size:14px}.no{background:#fdd}.off{background:#ffedc2}.yes{background:#dfd}"
    "@media print{body{margin:0;max-width:none}article{break-inside:avoid-page}}"
)


def text(value: Any) -> str:
    """A value as text that can stand in an element or in a quoted attribute."""
    return html.escape(str(value).replace("\r\n", "\n").translate(_PICTURES), quote=True)


def said(value: Any) -> str:
    """Somebody else's words in an element of their own."""
    return f'<bdi dir="auto">{text(value)}</bdi>'


def link(url: str | None, words: Any, **attributes: str) -> str:
    """A link, or only its words where the URL is none that may be followed."""
    if url is None or not re.match(r"https?://", url, re.IGNORECASE):
        return said(words)
    more = "".join(f' {name.replace("_", "-")}="{text(value)}"' for name, value in attributes.items())
    return f'<a href="{text(_one_line(url))}" rel="noopener noreferrer nofollow"{more}>{said(words)}</a>'


def _one_line(url: str) -> str:
    return re.sub(r"[\x00-\x20\x7f]", lambda match: f"%{ord(match[0]):02X}", url)


def minute(at: str | None) -> str:
    """A time as people read it, in UTC, with the whole of it for machines."""
    if not at:
        return "at an unknown time"
    return f'<time datetime="{text(at)}">{text(at[:10])} {text(at[11:16])} UTC</time>'


def open_page(out: BinaryIO, title: str, words: str) -> None:
    """The head of a page, its heading, and what the page is, in trusted HTML."""
    out.write(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>\n<body><main><h1>{text(title)}</h1>\n{words}\n".encode()
    )


def close_page(out: BinaryIO) -> None:
    """What the page proves and what it does not, and its end."""
    out.write(
        f"<footer><h2>What this proves, and what it does not</h2><p>{PROVES}</p><p>{PROVES_NOT}</p></footer>"
        "</main></body></html>\n".encode()
    )


def write_media(out: BinaryIO, media: dict[str, Any], contents: Contents) -> None:
    """One picture or film of a dossier in the page, or why it is not there; its digest either way."""
    alt = text(media["alt"] or "")
    if not media["sha256"]:
        out.write(f"<p>A {text(media['kind'])} could not be kept ({text(media['reason'])}).</p>\n".encode())
        return
    if media["credentials"]:
        out.write(f"<p>{_credentials(media['credentials'])}</p>\n".encode())
    element = _SHOWN.get(media["type"] or "")
    name = f"<small>{text(media['type'])}, {media['size']} bytes, SHA-256 <code>{media['sha256']}</code></small>"
    if element is None or media["size"] > LARGEST:
        why = "too large to stand in a page" if element else "of a kind that is not shown here"
        out.write(f"<p>A {text(media['kind'])} is kept and {why}. {name}</p>\n".encode())
        return
    attributes = f' alt="{alt}"' if element == "img" else f' controls aria-label="{alt}"'
    size = (
        f' width="{int(media["width"])}" height="{int(media["height"])}"' if media["width"] and media["height"] else ""
    )
    out.write(f'<{element}{attributes}{size if element == "img" else ""} src="data:{media["type"]};base64,'.encode())
    with contents.blob(media["sha256"]) as stream:
        while piece := stream.read(_PIECE):
            out.write(base64.b64encode(piece))
    closing = "" if element == "img" else f"</{element}>"
    out.write(f'">{closing}<br>{name}\n'.encode())


def _credentials(of: dict[str, Any]) -> str:
    """What a file's C2PA manifest says, and how far that goes, as trusted HTML."""
    if "why" in of:
        return f"The next file carries a C2PA manifest, which was {text(of['state'])} ({said(of['why'])})."
    who = " of ".join(said(each) for each in (of["signer"], of["issuer"]) if each) or "somebody it does not name"
    codes = f", with {said(', '.join(of['codes']))}" if of["codes"] else ""
    return (
        f"The next file carries a C2PA manifest signed by {who}: {text(of['state'])}{codes}, says "
        f"{text(of['reader'])}. "
        "That speaks of the file and of the key that signed it: no list of trusted signers was used, no revocation "
        "looked up, and what the manifest claims is its signer's word."
    )


def write_post(out: BinaryIO, post: dict[str, Any], snapshot: dict[str, Any], contents: Contents) -> None:
    """A post as one look shows it, to be read: words, author, time, media, who saw it when."""
    shown = snapshot["post"]
    author = shown["author"]
    handle = f"@{author['handle'].lstrip('@')}" if author["handle"] else ""
    out.write(f'<blockquote cite="{text(_cite(post["url"]))}">{said(shown["text"])}</blockquote>\n'.encode())
    for media in post["media"]:
        write_media(out, media, contents)
    who = " ".join(said(part) for part in (author["name"], handle) if part) or "An author whose name is not known"
    out.write(
        f"<figcaption>{who}, {minute(shown['created_at'] or post['posted_at'])}. {link(post['url'], post['url'])}. "
        f"Archived copy, seen {minute(snapshot['observed_at'])} by {said(snapshot['source'])} "
        f"({text(snapshot['rank'])}).</figcaption>\n".encode()
    )


def _cite(url: str) -> str:
    return _one_line(url) if re.match(r"https?://", url, re.IGNORECASE) else "urn:archiver:unlinked"


def best(post: dict[str, Any]) -> dict[str, Any] | None:
    """The look that stands for a post: nearest to its author, then the fullest, then the first."""
    ranks = {"first-hand": 0, "third-party": 1}
    snapshots: list[dict[str, Any]] = post["snapshots"]
    return min(
        snapshots,
        key=lambda each: (
            ranks.get(each["rank"], 2), -len(each["post"]["media"]), -len(each["post"]["text"]), each["taken_at"],
        ),
        default=None,
    )  # fmt: skip
