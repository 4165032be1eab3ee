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

_BYLINE = re.compile(r"(?:shared|posted) by .{0,200}?\(@([\w.]{1,30})\)", re.ASCII | re.IGNORECASE | re.DOTALL)
_VIEW = re.compile(r"view this (?:post|reel|photo|video|profile) on instagram", re.IGNORECASE)


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: an embed code. Its older form quotes the caption; the newer one names the author only, and then
    the post is there and not shown. Never a picture: `thumbnail_url` went in 2025."""
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
    byline = next((each for each in paragraphs if _BYLINE.search(each)), None)
    caption = "\n\n".join(each for each in paragraphs if each and each != byline and not _VIEW.fullmatch(each))
    if not caption:
        # It exists, and what it says is for those who log in.
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=byline)
    named = _BYLINE.search(byline or "")
    name = re.search(r"(?:shared|posted) by\s+(.*?)\s*\(@", byline or "", re.IGNORECASE | re.DOTALL)
    time = quote.select_one("time[datetime]")
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(
                named[1] if named else None,
                name[1] if name else None,
                url=f"https://www.instagram.com/{named[1]}/" if named else None,
            ),
            text=caption,
            created_at=_moment(str(time["datetime"])) if time else None,
            url=url(ref),
            # Every post here has pictures or films; which, is not said.
            media=(Media("unknown", "post", ()),),
            extra=(("not_archived", "its pictures and films: oEmbed gives an embed code"),),
        ),
    )


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
            "showing posts. No pictures, no author fields; a caption only where the embed code quotes it.",
            is_whole=False,
            gives=parts("text, author, time"),
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
        bylines=(
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
        ),
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
