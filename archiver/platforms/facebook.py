"""Facebook: posts, photos, videos and reels (PLATFORMS.md 1.2). A `pfbid` cannot be read without asking."""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse

from archiver.model import Author, Capture, Claim, Finding, Look, Outcome, Post, PostRef, Rank, Reason, Resolving
from archiver.platforms import Example, Markup, Platform, Source, parts

_HOST = (
    r"(?:https?:)?//(?:[\w-]+\.)*(?:facebook\.com|fb\.com|facebed\.com|"
    r"facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd\.onion)/+"
)
_ID = r"(\d{5,20}|pfbid[0-9A-Za-z]{10,100})(?![0-9A-Za-z])"
_PATH = re.compile(
    _HOST + r"(?:#!/)?(?:groups/[^/?#\s]{1,100}/(?:posts|permalink)/(?:[^/?#\s]{1,300}/)?|reel/|"
    r"[^/?#\s]{1,100}/(?:posts|photos|videos|reels|activity|notes)/(?:[^/?#\s]{1,300}/){0,2}|"
    r"(?:photos?|videos?|watch|permalink|posts|stories)/)" + _ID,
    re.IGNORECASE,
)
_QUERY = re.compile(
    _HOST + r"(?:#!/)?(?:[^/?#\s]{1,100}/)?(?:permalink\.php|story\.php|photo(?:\.php)?/?|watch(?:/live)?/?|video\.php|"
    r"video/(?:video|embed)\.php|video/embed|groups/[^/?#\s]{1,100}/?)\?(?:[^#\s]*?&(?:amp;)?)?"
    r"(?:story_fbid|fbid|v|video_id|multi_permalinks)=" + _ID,
    re.IGNORECASE,
)
_PLUGIN = re.compile(
    _HOST + r"(?:v\d+\.\d+/)?plugins/(?:post|video|comment_embed)(?:\.php)?\?(?:[^#\s]*?&(?:amp;)?)?href=([^&#\s]+)",
    re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post, photo or video a URL names, a plug-in's frame by its `href`; None for pages, groups and shares."""
    if found := _PLUGIN.match(url):
        inner = urllib.parse.unquote(urllib.parse.unquote(found[1]))
        return match(inner) if "plugins/" not in inner else None
    found = _PATH.match(url) or _QUERY.match(url)
    return PostRef("facebook", found[1]) if found else None


def url(ref: PostRef) -> str:
    """Facebook's URLs need an owner as well, which an id does not tell; this is the form that names the id alone."""
    return f"https://www.facebook.com/permalink.php?story_fbid={ref.id}"


_SHORT = (
    r"(?:https?:)?//(?:(?:www\.)?fb\.watch|(?:(?:www|m)\.)?facebook\.com/share(?:/[pvr])?)/([\w-]{5,40})(?:[/?#].*)?"
)
_PAGE = re.compile(r"@?([\w.]{2,60})", re.ASCII)


def _resolve(claim: Claim, url: str | None) -> Resolving:
    """fb.watch and share links answer a redirect, often by way of a login page that names the post."""
    from archiver import shortlinks

    return shortlinks.resolve(url, match, _SHORT, r"(?:[\w-]+\.)*(?:facebook\.com|fb\.watch|fb\.com)")


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: an embed code. Where its blockquote quotes the post, that is read; an empty one says that the
    post is there and not shown. The address asked for was put together from an id, so that a 404 says nothing of the
    post."""
    import dataclasses

    from archiver import answers, oembed
    from archiver.errors import ParseError

    shown = oembed.graph(capture)
    if isinstance(shown, Finding):
        is_absent = shown.outcome is Outcome.ABSENT
        return dataclasses.replace(answers.absent(Reason.UNKNOWN), tombstone=shown.tombstone) if is_absent else shown
    page = answers.page(shown.html or "", capture)
    frame = page.select_one(".fb-post[data-href], .fb-video[data-href]")
    if frame is None:
        return answers.absent(Reason.UNKNOWN)
    named = match(str(frame["data-href"]))
    if named is not None and named != ref and named.id.isdigit() == ref.id.isdigit():
        raise ParseError(f"{capture.url}: asked for {ref}, shows {named}")
    quote = frame.select_one("blockquote")
    text = "\n\n".join(each.get_text().strip() for each in quote.select("p")).strip() if quote else ""
    if quote is None or not text:
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL)
    links = [link for link in quote.select("a[href]") if link.find_parent("p") is None]
    author = next((link for link in links if match(str(link["href"])) is None), None)
    handle = (
        re.match(r"https?://(?:[\w-]+\.)*facebook\.com/([\w.]{2,60})/?(?:\?|$)", str(author["href"]))
        if author
        else None
    )
    days = [_day(link.get_text()) for link in links]
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(
                handle[1] if handle else None,
                (author.get_text().strip() if author else None) or shown.author_name,
                url=str(author["href"]) if author else shown.author_url,
            ),
            text=text,
            created_on=next((day for day in days if day), None),
            url=str(frame["data-href"]),
            is_truncated=True,
            extra=(("not_archived", "pictures and films, if it has any: oEmbed gives an embed code"),),
        ),
    )


def _day(shown: str) -> dt.date | None:
    """`Thursday, August 27, 2015`, in whatever zone Facebook writes it."""
    try:
        at = dt.datetime.strptime(" ".join(shown.split()), "%A, %B %d, %Y")  # noqa: DTZ007  a day, no zone is stated
    except ValueError:
        return None
    return at.date()


def _post(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    named = _PAGE.fullmatch(claim.handle or "")
    page = f"https://www.facebook.com/{named[1]}/posts/{ref.id}" if named else url(ref)
    capture = yield from answers.ask(oembed.request("https://graph.facebook.com/v26.0/oembed_post", page))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _video(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    if not ref.id.isdigit():
        return answers.absent(Reason.UNKNOWN)  # a pfbid is no video
    page = f"https://www.facebook.com/video.php?v={ref.id}"
    capture = yield from answers.ask(oembed.request("https://graph.facebook.com/v26.0/oembed_video", page))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _sources() -> tuple[Source, ...]:
    terms = (
        "Meta's oEmbed, without a token since 2026-06-15: 1,000 requests an hour. Meta's terms allow its use for "
        "showing posts. No pictures, no author fields; a text only where the embed code quotes it."
    )
    host = ("graph.facebook.com",)
    return (
        Source("oembed-post", Rank.FIRST_HAND, _post, host, terms, is_whole=False, gives=parts("text, author, day")),
        Source("oembed-video", Rank.FIRST_HAND, _video, host, terms, is_whole=False, gives=parts("text, author, day")),
    )


PLATFORM = Platform(
    name="facebook",
    match=match,
    url=url,
    example=Example("1234567890123456", "examplepage", "https://fb.watch/a1B2c3D4e5/"),
    sources=_sources,
    resolve=_resolve,
    markup=Markup(
        screens=(
            r"(?:facebook|fb)\.com/(?:#!/)?[\w.%-]{2,60}/(?:posts|photos|videos|reels|activity|notes|permalink)/",
            r"(?:facebook|fb)\.com/groups/[\w.%-]{1,60}/(?:posts|permalink|{?})",
            r"(?:facebook|fb)\.com/(?:#!/)?(?:reel|watch|permalink|story|photo|video|posts|stories)",
            r"(?:story_fbid|fbid){=}\d{5}",
            r"plugins/(?:post|video|comment_embed)\b",
            r"\bfb-(?:post|video)\b",
            r"\bfb:(?:post|video)\b",
            r"amp-facebook",
            r"fb\.watch/\w",
            r"facebook\.com/share/",
        ),
        classes=("fb-post", "fb-video"),
        tags=("amp-facebook", "fb:post", "fb:video"),
        shortlink=r"(?:https?:)?//(?:www\.)?(?:fb\.watch|facebook\.com/share(?:/[pvr])?)/([\w-]{5,40})(?:[/?#].*)?",
        author=r"facebook\.com/([\w.]{2,60})/(?:posts|photos|videos|reels)/",
    ),
)
