"""Instagram: posts, reels and IGTV (PLATFORMS.md 0, 1.2 and 2)."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

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


_NAME = r"(?P<name>[^\n()（]{0,80}?)\s*[(（]@(?P<handle>[\w.]{1,30})[)）]"

PLATFORM = Platform(
    name="instagram",
    match=match,
    url=url,
    posted_at=posted_at,
    markup=Markup(
        screens=(
            r"instagr(?:am\.com|\.am)/(?:[\w.]{1,30}/)?(?:p|tv|reels?)/[\w-]{5}",
            r"instagram-media",
            r"amp-instagram",
            r"data-shortcode",
        ),
        classes=("instagram-media",),
        tags=("amp-instagram",),
        attributes=(("data-shortcode", r"([\w-]{5,40})"),),
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
            r"(?:Ett inlägg|Et opslag|Et innlegg) del(?:at|t) av " + _NAME,
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
            r"del(?:at|t) av\b",
        ),
        author=r"instagram\.com/([\w.]{1,30})/(?:p|tv|reels?)/",
    ),
)
