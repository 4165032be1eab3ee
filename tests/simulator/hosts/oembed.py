"""publish.twitter.com and publish.x.com: oEmbed (PLATFORMS.md 1.1 and 3.1)."""

from __future__ import annotations

import html
import json
import re

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date

from tests.simulator.exchange import Request, Response, redirect
from tests.simulator.payloads import NOTE_CUT, entities
from tests.simulator.world import Post, State, World

STATUS = re.compile(
    r"^https?://(?:(?:www|mobile|m)\.)?(?:twitter|x)\.com/(?:#!/)?(?:\w+/status(?:es)?|i/(?:web/)?status|statuses)/(\d+)",
    re.IGNORECASE | re.ASCII,
)
_REF = "?ref_src=twsrc%5Etfw"
_RTL = {"ar", "fa", "he", "ur"}


def _escaped(value: object, status: int = 200, cache: str = "must-revalidate, max-age=3153600000") -> Response:
    """JSON as this host writes it: ASCII, with `/` and angle brackets escaped."""
    text = json.dumps(value, separators=(",", ":"))
    for plain, coded in (("/", "\\/"), ("<", "\\u003C"), (">", "\\u003E")):
        text = text.replace(plain, coded)
    headers = (
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", cache),
        ("server", "tsa_f"),
        ("content-disposition", "attachment; filename=json.json"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
    )
    return Response(status, headers, text.encode("ascii"))


def long_date(post: Post, lang: str) -> str:
    """The day in UTC, in the locale's long form; English where the locale is unknown. X documents no zone."""
    try:
        locale = Locale.parse(lang.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_date(post.created_at.date(), "long", locale=locale)


def paragraph(world: World, post: Post) -> str:
    """The post's text as the embed shows it, a long one cut with an ellipsis."""
    text = html.escape(post.text, quote=False)
    if post.is_note:
        text = html.escape(post.text[:NOTE_CUT].rsplit(" ", 1)[0], quote=False) + "…"
    if post.code:
        text = f"{text} https://t.co/{post.code}".strip()
    found = entities(world, post, text)
    pieces = []
    for link in found["urls"]:
        pieces.append((link["indices"], f'<a href="{link["url"]}">{link["url"]}</a>'))
    for link in found.get("media", ()):
        shown = f"pic.twitter.com/{post.code}"
        pieces.append((link["indices"], f'<a href="{link["url"]}">{shown}</a>'))
    for name in found["user_mentions"]:
        handle = name["screen_name"]
        pieces.append((name["indices"], f'<a href="https://twitter.com/{handle}{_REF}">@{handle}</a>'))
    for tag in found["hashtags"]:
        word = tag["text"]
        href = f"https://twitter.com/hashtag/{word}?src=hash&amp;ref_src=twsrc%5Etfw"
        pieces.append((tag["indices"], f'<a href="{href}">#{word}</a>'))
    for (start, end), markup in sorted(pieces, reverse=True):
        text = text[:start] + markup + text[end:]
    return text.replace("\n", "<br>")


def blockquote(world: World, post: Post, query: dict[str, str]) -> str:
    """The embed code: the permalink is the last link directly under the blockquote."""
    account = post.account
    wanted = {name: query.get(name, "") in ("true", "1", "t") for name in ("hide_media", "hide_thread", "dnt")}
    attributes = "".join(
        f' data-{name}="{value}"'
        for name, value in (
            ("lang", query.get("lang")),
            ("theme", query.get("theme") if query.get("theme") == "dark" else None),
            ("dnt", "true" if wanted["dnt"] else None),
            ("conversation", "none" if wanted["hide_thread"] else None),
            ("cards", "hidden" if wanted["hide_media"] else None),
            ("width", query.get("maxwidth")),
        )
        if value
    )
    align = f" tw-align-{query['align']}" if query.get("align") in ("left", "right", "center") else ""
    direction = "rtl" if post.lang in _RTL else "ltr"
    day = long_date(post, query.get("lang", "en"))
    return (
        f'<blockquote class="twitter-tweet{align}"{attributes}>'
        f'<p lang="{post.lang}" dir="{direction}">{paragraph(world, post)}</p>'
        f"&mdash; {html.escape(account.name)} (@{account.handle}) "
        f'<a href="https://twitter.com{post.path}{_REF}">{day}</a></blockquote>\n'
    )


def publish(world: World, request: Request) -> Response:
    """404 for what is not there, 403 for what may not be shown; the bodies of most errors are not known."""
    if request.path != "/oembed":
        return Response(404)
    found = STATUS.match(request.query.get("url", ""))
    post = world.find(found[1]) if found else None
    echo = {"request": request.target}
    state = world.state(post) if post else State.DELETED
    if state is State.PROTECTED:
        return _escaped({"error": "Sorry, you are not authorized to see this status."} | echo, 403, "no-cache")
    if state is State.SUSPENDED:
        status = world.uncertain.oembed_suspended
        return _escaped({"error": "User has been suspended."} | echo, status, "no-cache")
    if post is None or state is not State.LIVE:
        return _escaped({"error": "Sorry, that page does not exist"} | echo, 404, "no-cache")
    query = request.query
    markup = blockquote(world, post, query)
    if query.get("omit_script") not in ("true", "1", "t"):
        markup += '<script async src="https://platform.twitter.com/widgets.js" charset="utf-8"></script>\n\n'
    try:
        width = min(550, max(220, int(query.get("maxwidth", "550"))))
    except ValueError:
        width = 550
    return _escaped(
        {
            "url": f"https://twitter.com{post.path}",
            "author_name": post.account.name,
            "author_url": f"https://twitter.com/{post.account.handle}",
            "html": markup,
            "width": width,
            "height": None,
            "type": "rich",
            "cache_age": "3153600000",
            "provider_name": "Twitter",
            "provider_url": "https://twitter.com",
            "version": "1.0",
        }
    )


def moved(world: World, request: Request) -> Response:
    """publish.x.com answered with a redirect to publish.twitter.com (2024-06)."""
    return redirect(f"https://publish.twitter.com{request.target}", 302, (("cache-control", "no-cache, no-store"),))


HANDLERS = {"publish.twitter.com": publish, "publish.x.com": moved}
