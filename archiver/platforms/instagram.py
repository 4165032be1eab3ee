"""Instagram: posts, reels and IGTV (PLATFORMS.md 0, 1.2 and 2)."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import Author, Capture, Claim, Finding, Look, Media, Outcome, Post, PostRef, Rank, Reason
from archiver.platforms import Example, Markup, Platform, Source, parts

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_EPOCH_MS = 1314220021721
#: What a private post's shortcode carries behind the public one.
_PRIVATE_LENGTH = 28

_URL = re.compile(
    r"(?:https?:)?//(?:www\.|m\.)?(?:(?:dd|kk|g\.dd|vx)?instagram\.com|instagr\.am)/+(?:[\w.]{1,30}/)?(?:p|tv|reel|reels)/+"
    r"(?!audio(?:[/?#]|$))([\w-]{5,80})",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a URL names; None for profiles, stories and sounds."""
    found = _URL.match(url)
    return PostRef("instagram", found[1]) if found else None


def url(ref: PostRef) -> str:
    return f"https://www.instagram.com/p/{ref.id}/"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond in the number that the shortcode writes in base 64."""
    code = id[:-_PRIVATE_LENGTH] if len(id) > _PRIVATE_LENGTH else id
    number = 0
    for character in code:
        number = number * 64 + _ALPHABET.index(character)
    ms = (number >> 23) + _EPOCH_MS
    # Shorter codes were given out before the number held a time.
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC) if 9 <= len(code) <= 11 else None


_NAME = r"(?P<name>[^\n()（]{0,80}?)\s*[(（]\s{0,3}@(?P<handle>(?:[\w.]|\\_){1,30})\s{0,3}[)）]"

#: Who posted, as embed codes say it in the language they were made in.
_BYLINES = (
    r"A (?:photo|video|post|reel) (?:posted|shared) by " + _NAME,
    r"(?:Ein Beitrag|Ein Foto|Ein Video) geteilt von " + _NAME,
    r"Ein von " + _NAME + r" (?:geteilter Beitrag|gepostetes (?:Foto|Video))",
    r"Une (?:publication|photo|vidéo) (?:partagée|publiée) par " + _NAME,
    r"Una (?:publicación|foto) (?:compartida|publicada) (?:por|de) " + _NAME,
    r"Un (?:post|video) (?:condiviso|pubblicato) da " + _NAME,
    r"Uma (?:publicação|foto) (?:compartilhada|partilhada|publicada) por " + _NAME,
    r"(?:Een (?:bericht|foto|video) (?:gedeeld|geplaatst) door|Een door) " + _NAME,
    r"Sebuah kiriman dibagikan oleh " + _NAME,
    r"Post udostępniony przez " + _NAME,
    r"Публикация от " + _NAME,
    r"(?:Ett inlägg|Et opslag|Et innlegg) del(?:at|t) a[vf] " + _NAME,
    r"Příspěvek sdílený " + _NAME,
    r"O postare distribuită de " + _NAME,
    r"Η δημοσίευση κοινοποιήθηκε από το χρήστη " + _NAME,
    r"Допис, поширений " + _NAME,
    r"โพสต์ที่แชร์โดย " + _NAME,
    r"تمت مشاركة منشور بواسطة " + _NAME,
    r"פוסט משותף על ידי " + _NAME,
)
_BYLINE = re.compile(r"(?:shared|posted) by .{0,200}?\(@([\w.]{1,30})\)", re.ASCII | re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(r"[(（]\s{0,3}@([\w.]{1,30})\s{0,3}[)）]", re.ASCII)
_VIEW = re.compile(r"view this (?:post|reel|photo|video|profile) on instagram", re.IGNORECASE)


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: an embed code. Its older form quotes the caption; the newer one names the author only, and then
    the post is there and not shown. A picture only in answers of before November 2025, and a small one."""
    from archiver import answers, oembed
    from archiver.errors import ParseError

    shown = oembed.graph(capture)
    if isinstance(shown, Finding):
        return shown
    page = answers.page(shown.html or "", capture)
    quote = page.select_one("blockquote.instagram-media")
    if quote is None:
        return answers.absent(Reason.UNKNOWN)
    links = [str(link.get("href")) for link in quote.select("a[href]")]
    refs = [found for link in (str(quote.get("data-instgrm-permalink") or ""), *links) if (found := match(link))]
    if refs and ref not in refs:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {refs[0]}")
    paragraphs = [each.get_text().strip() for each in quote.select("p")]
    byline = _byline(paragraphs)
    quoted = [each for each in paragraphs if each and each is not byline and not _VIEW.fullmatch(each)]
    # The answers of before 2020, and those to tokens till 2025, told the caption and its author beside the code.
    caption = "\n\n".join(quoted) or shown.title
    if not caption:
        # It exists, and what it says is for those who log in.
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=byline)
    handle, name = _author(byline or "")
    handle = handle or (shown.author_name if re.fullmatch(r"[\w.]{1,30}", shown.author_name or "", re.ASCII) else None)
    time = quote.select_one("time[datetime]")
    still = Media(
        "photo",
        "thumbnail",
        tuple(filter(None, [shown.thumbnail_url])),
        None,
        shown.thumbnail_width,
        shown.thumbnail_height,
    )
    id = shown.members.get("author_id")
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(
                handle,
                name,
                str(id) if isinstance(id, int | str) and id else None,
                f"https://www.instagram.com/{handle}/" if handle else None,
            ),
            text=caption,
            created_at=_moment(str(time["datetime"])) if time else None,
            url=url(ref),
            # Every post here has pictures or films; which, is not said.
            media=(*((still,) if still.urls else ()), Media("unknown", "post", ())),
            extra=(("not_archived", "its pictures and films: oEmbed gives an embed code"),),
        ),
    )


def _byline(paragraphs: list[str]) -> str | None:
    """The paragraph that says who posted: the last that names somebody so. A caption may name others."""
    said = [each for each in paragraphs if _BYLINE.search(each) or any(re.search(form, each) for form in _BYLINES)]
    # In whatever language: it stands last, and nothing else need.
    last = next((each for each in reversed(paragraphs) if each), "")
    return said[-1] if said else last if _NAMED.search(last) else None


def _author(byline: str) -> tuple[str | None, str | None]:
    """Handle and shown name."""
    for form in _BYLINES:
        if found := re.search(form, byline):
            return found["handle"].replace("\\_", "_"), found["name"].strip() or None
    named = _BYLINE.search(byline) or _NAMED.search(byline)
    name = re.search(r"(?:shared|posted) by\s+(.*?)\s*\(@", byline, re.IGNORECASE | re.DOTALL)
    return named[1] if named else None, name[1] if name else None


def _moment(text: str) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(text)
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def _oembed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    capture = yield from answers.ask(oembed.request("https://graph.facebook.com/v26.0/instagram_oembed", url(ref)))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "oembed",
            Rank.FIRST_HAND,
            _oembed,
            ("graph.facebook.com",),
            "Meta's oEmbed, without a token since 2026-06-15: 1,000 requests an hour. Meta's terms allow its use for "
            "showing posts. No pictures and no author fields since November 2025; a caption only where the embed code "
            "quotes it.",
            is_whole=False,
            gives=parts("text, author, account id, time, pictures"),
        ),
    )


PLATFORM = Platform(
    name="instagram",
    match=match,
    url=url,
    example=Example("CYokA48MWDA", "example"),
    posted_at=posted_at,
    sources=_sources,
    markup=Markup(
        screens=(
            r"instagr(?:am\.com|\.am)/(?:[\w.]{1,30}/)?(?:p|tv|reels?)/[\w-]{5}",
            r"instagram-media",
            r"amp-instagram",
            r"data-shortcode",
        ),
        classes=("instagram-media",),
        tags=("amp-instagram",),
        attributes=(("data-shortcode@", r"([\w-]{5,40})"),),
        bylines=_BYLINES,
        # `shared by`, `geteilt von`, …: a word or two in ASCII, then the name, then the handle.
        byline_screens=(
            r"(?:posted|shared) by\b",
            r"geteilt\w* ",
            r"gepostetes ",
            r"(?:e|\xc3\xa9e) par ",
            r"(?:compartida|publicada|compartilhada|partilhada) (?:por|de)\b",
            r"(?:condiviso|pubblicato) da\b",
            r"(?:gedeeld|geplaatst) door\b",
            r"dibagikan oleh\b",
            r"pniony przez\b",
            r"del(?:at|t) a[vf]\b",
        ),
        trailers=(
            r" paylaştığı bir (?:gönderi|fotoğraf|video)",
            r"がシェアした投稿",
            r"님(?:의 공유 게시물|이 공유한 게시물)",
            r" jakama julkaisu",
            r" által megosztott bejegyzés",
            r"分享的(?:帖子|貼文)",
            r" द्वारा साझा की गई पोस्ट",
        ),
        author=r"instagram\.com/([\w.]{1,30})/(?:p|tv|reels?)/",
    ),
)
