"""How articles show posts (PLATFORMS.md 1.1 and 2, PEERS.md 1b): one function a kind, each making one block of text."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from babel.core import Locale
from babel.dates import format_date

from tests.simulator.hosts.oembed import paragraph
from tests.simulator.payloads import NOTE_CUT
from tests.simulator.world import Post
from tests.world.key import Said
from tests.world.web import LargeWorld
from tests.world.words import EMOJI

_LINK = re.compile(r" ?https://t\.co/\w+", re.ASCII)
_REF = "?ref_src=twsrc%5Etfw"
#: Languages of the embed's date, the overwhelming one first.
DATE_LANGUAGES = ("en", "de", "ru", "fr", "es", "it", "pt", "nl", "pl", "tr", "uk", "ja", "ko", "zh", "ar")
DASHES = ("—", "—", "—", "–", "―", "--", "-")
ZONES = (-8, -5, 0, 0, 0, 1, 2, 3, 9, 12)


@dataclass(frozen=True, slots=True)
class Block:
    """One embed before it has a place: its text, and what it carries."""

    text: str
    has_id: bool
    said: Said | None = None
    code: str | None = None
    troubles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """One post as an article's author saw it: under the handle of that day, with the day in that author's zone."""

    rng: random.Random
    world: LargeWorld
    post: Post
    handle: str
    name: str
    day: dt.date
    troubles: frozenset[str]

    def date(self) -> tuple[str, str]:
        """The day in words, and in which language."""
        lang = "en" if self.rng.random() < 0.6 else self.rng.choice(DATE_LANGUAGES)
        return format_date(self.day, "long", locale=Locale.parse(lang)), lang

    @property
    def path(self) -> str:
        return f"/{self.handle}/status/{self.post.id}"

    @property
    def url(self) -> str:
        return f"https://twitter.com{self.path}"


# --- with the id ----------------------------------------------------------------------------------------------------


def _quote(seen: Moment, *, attributes: str = "", link: str | None = None, lang: str = "en", inner: str = "") -> str:
    day, lang_of_day = seen.date()
    words = inner or paragraph(seen.world, seen.post)
    attributes += "" if lang_of_day == "en" else f' data-lang="{lang_of_day}"'
    permalink = link or f"{seen.url}{_REF}"
    return (
        f'<blockquote class="twitter-tweet"{attributes}><p lang="{seen.post.lang}" dir="ltr">{words}</p>'
        f'&mdash; {html.escape(seen.name)} (@{seen.handle}) <a href="{permalink}">{day}</a></blockquote>'
    )


_SCRIPT = '\n<script async src="https://platform.twitter.com/widgets.js" charset="utf-8"></script>'


def oembed(seen: Moment) -> Block:
    variant = seen.rng.choice(
        ("", ' data-theme="dark"', ' data-conversation="none"', ' data-width="550" data-dnt="true"')
    )
    return Block(_quote(seen, attributes=variant) + _SCRIPT, True)


def early(seen: Moment) -> Block:
    """2012: aligned, no `lang`, `/statuses/`."""
    day, _ = seen.date()
    text = (
        f'<blockquote class="twitter-tweet tw-align-center"><p>{paragraph(seen.world, seen.post)}</p>'
        f"&mdash; {html.escape(seen.name)} (@{seen.handle}) "
        f'<a href="https://twitter.com/{seen.handle}/statuses/{seen.post.id}">{day}</a></blockquote>'
    )
    return Block(text, True)


def wrapped(seen: Moment) -> Block:
    """The author's line in a paragraph of its own, with rel and target, as content systems make it."""
    day, _ = seen.date()
    text = (
        f'<blockquote class="twitter-tweet"><p dir="ltr">{paragraph(seen.world, seen.post)}</p>\n<p>&#x2014; '
        f'{html.escape(seen.name)} (@{seen.handle}) <a rel="nofollow" target="_blank" href="{seen.url}">{day}</a></p>'
        "</blockquote>"
    )
    return Block(text, True)


def link_only(seen: Moment) -> Block:
    return Block(f'<blockquote class="twitter-tweet"><a href="{seen.url}"></a></blockquote>{_SCRIPT}', True)


def wordpress(seen: Moment) -> Block:
    text = (
        '<figure class="wp-block-embed is-type-rich is-provider-twitter wp-block-embed-twitter">'
        f'<div class="wp-block-embed__wrapper">\n{_quote(seen)}{_SCRIPT}\n</div></figure>'
    )
    return Block(text, True)


def quoting(seen: Moment) -> Block:
    """Another status is linked in the words, above the permalink."""
    other = f"https://twitter.com/somebody/status/{int(seen.post.id) - 977}"
    inner = f'{paragraph(seen.world, seen.post)} <a href="{other}">{other[8:40]}…</a>'
    return Block(_quote(seen, inner=inner), True)


def rendered(seen: Moment) -> Block:
    """What is left in a saved page after the widget ran, of three generations: the words are gone."""
    id = seen.post.id
    text = seen.rng.choice(
        (
            f'<iframe id="twitter-widget-0" class="twitter-tweet twitter-tweet-rendered" data-tweet-id="{id}" '
            'title="Twitter Tweet"></iframe>',
            f'<twitter-widget class="twitter-tweet twitter-tweet-rendered" data-tweet-id="{id}"></twitter-widget>',
            f'<div class="twitter-tweet twitter-tweet-rendered"><iframe id="twitter-widget-0" data-tweet-id="{id}" '
            'src="https://platform.twitter.com/embed/Tweet.html?dnt=false&amp;embedId=twitter-widget-0&amp;'
            f'frame=false&amp;id={id}&amp;lang=en&amp;theme=light&amp;width=550px"></iframe></div>',
        )
    )
    return Block(text, True)


def iframe(seen: Moment) -> Block:
    return Block(
        f'<iframe src="https://platform.twitter.com/embed/Tweet.html?id={seen.post.id}&amp;theme=dark"></iframe>', True
    )


def amp(seen: Moment) -> Block:
    return Block(
        f'<amp-twitter width="375" height="472" layout="responsive" data-tweetid="{seen.post.id}"></amp-twitter>', True
    )


def island(seen: Moment) -> Block:
    """A page's model as JSON in a script, with the embed code escaped in it."""
    model = {
        "_type": "model.dotcomrendering.pageElements.TweetBlockElement",
        "id": seen.post.id,
        "url": seen.url,
        "html": _quote(seen),
    }
    coded = json.dumps({"elements": [model]}).replace("<", "\\u003c")
    return Block(f'<script type="application/json" class="model">{coded}</script>', True)


def escaped(seen: Moment) -> Block:
    return Block(f'<div class="lazy" data-embed-html="{html.escape(_quote(seen))}"></div>', True)


def link(seen: Moment) -> Block:
    return Block(f'<p>As <a href="{_any_url(seen)}">this post</a> has it.</p>', True)


def plain_link(seen: Moment) -> Block:
    return Block(_any_url(seen), True)


def _any_url(seen: Moment) -> str:
    """The forms of section 1.1: hosts, mirrors, paths, suffixes, and an archive's own URL of it."""
    id, handle = seen.post.id, seen.handle
    return seen.rng.choice(
        (
            f"https://twitter.com/{handle}/status/{id}",
            f"https://x.com/{handle}/status/{id}",
            f"https://www.x.com/{handle}/status/{id}?s=20&t=Ab3dE_f",
            f"https://mobile.twitter.com/{handle}/status/{id}",
            f"https://m.twitter.com/{handle}/status/{id}",
            f"https://twitter.com/{handle}/statuses/{id}",
            f"https://twitter.com/i/web/status/{id}",
            f"https://x.com/i/status/{id}",
            f"https://twitter.com/#!/{handle}/status/{id}",
            f"https://twitter.com/{handle}/status/{id}/photo/1",
            f"https://x.com/{handle}/status/{id}/video/1?lang=de",
            f"https://fxtwitter.com/{handle}/status/{id}",
            f"https://vxtwitter.com/{handle}/status/{id}",
            f"https://fixupx.com/{handle}/status/{id}",
            f"https://web.archive.org/web/20230401120000/https://twitter.com/{handle}/status/{id}",
            # X does not check the handle: the id decides.
            f"https://twitter.com/jack/status/{id}",
        )
    )


# --- without the id -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of a post's words on their way into an article."""

    codes: str = "pic"  # pic | picx | tco | none: how the media link is written; none drops the other links too
    emoji: bool = False  # each UTF-16 unit of an emoji became `?`
    breaks: str = "\n"
    ampersand: bool = False  # `&` left as `&amp;`
    straight: bool = False  # typographic quotes made straight
    altered: int = 0  # that word was left out by an editor

    def __call__(self, post: Post) -> str:
        text = post.text
        if post.is_note:
            text = text[:NOTE_CUT].rsplit(" ", 1)[0] + "…"
        if self.codes == "none":
            text = _LINK.sub("", text).strip()
        elif post.code:
            shown = {"pic": "pic.twitter.com/", "picx": "pic.x.com/", "tco": "https://t.co/"}[self.codes]
            text = f"{text} {shown}{post.code}".strip()
        if self.altered:
            words = text.split(" ")
            text = " ".join(words[: self.altered] + words[self.altered + 1 :])
        if self.emoji:
            for emoji in EMOJI:
                text = text.replace(emoji, "?" * (len(emoji.encode("utf-16-le")) // 2))
        if self.straight:
            text = text.translate(str.maketrans("“”’", '""\''))
        if self.ampersand:
            text = text.replace("&", "&amp;")
        return re.sub(r"\n+", self.breaks, text)


def _codes(post: Post, loss: Loss) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of media that are shown as such, and the others."""
    if loss.codes == "none":
        return (), ()
    own = (post.code,) if post.code else ()
    cut = post.text[:NOTE_CUT].rsplit(" ", 1)[0] if post.is_note else post.text
    others = tuple(re.findall(r"https://t\.co/(\w+)", cut, re.ASCII))
    return ((), others + own) if loss.codes == "tco" else (own, others)


def _said(seen: Moment, loss: Loss) -> Said:
    pics, others = _codes(seen.post, loss)
    if not pics and not others:
        # Nobody can tell whether there was no link, or whether it was lost: any post's links may have been.
        loss = dataclasses.replace(loss, codes="none")
    bare = _LINK.sub("", seen.post.text)
    words = len(bare) / 2.5 if seen.post.lang == "ja" else len(re.findall(r"\w{2,}", bare))
    return Said(
        seen.handle, seen.day, loss(seen.post), loss, pics, others, is_terse=words < 5, is_altered=bool(loss.altered)
    )


def _loss(seen: Moment, codes: str) -> Loss:
    rng = seen.rng
    loss = Loss(codes, breaks=rng.choice(("\n", " ", "\n\n")), straight=rng.random() < 0.2)
    if any(emoji in seen.post.text for emoji in EMOJI):
        loss = dataclasses.replace(loss, emoji=rng.random() < 0.5)
    if "&" in seen.post.text:
        loss = dataclasses.replace(loss, ampersand=rng.random() < 0.3)
    if rng.random() < 0.03 and seen.post.text.count(" ") > 6:
        loss = dataclasses.replace(loss, altered=rng.randint(2, 5))
    return loss


def _troubles(loss: Loss) -> frozenset[str]:
    return frozenset(
        name for name, is_so in (("emoji lost", loss.emoji), ("words altered by the article", loss.altered)) if is_so
    )


def stripped(seen: Moment) -> Block:
    """A blockquote whose permalink a content system took away; the codes are left in its links."""
    day, lang = seen.date()
    text = (
        f'<blockquote class="twitter-tweet"><p lang="{seen.post.lang}" dir="ltr">'
        f"{paragraph(seen.world, seen.post)}</p>&mdash; {html.escape(seen.name)} (@{seen.handle}) {day}</blockquote>"
    )
    return Block(text, False, _said(seen, Loss("pic")), troubles=frozenset({f"date in {lang}"}))


def flattened(codes: str, seen: Moment) -> Block:
    """`TEXT pic.twitter.com/CODE — NAME (@handle) DATE` in one of the ways in which pipelines write it."""
    rng, loss = seen.rng, _loss(seen, codes)
    day, lang = seen.date()
    troubles = _troubles(loss) | {f"date in {lang}"}
    name = seen.name
    if loss.emoji:
        for emoji in EMOJI:
            name = name.replace(emoji, "?" * (len(emoji.encode("utf-16-le")) // 2))
    dash = rng.choice(DASHES)
    gap = rng.choice(("\n", "\n\n", " ", " ", ""))
    if dash in ("-", "--") and gap == "":
        gap = " "
    words = loss(seen.post)
    if gap == "" and re.search(r"https://t\.co/\w+$", words):
        gap = " "  # a bare link glued to a dash is no longer a link anybody wrote
    return Block(f"{words}{gap}{dash} {name} (@{seen.handle}) {day}", False, _said(seen, loss), troubles=troubles)


def short(seen: Moment, code: str) -> Block:
    """A bare t.co link as the only trace of a post."""
    return Block(f"https://t.co/{code}", False, code=code)


#: Kinds that carry the id, in HTML; and how often.
WITH_ID: tuple[tuple[str, Callable[[Moment], Block], int], ...] = (
    ("blockquote", oembed, 10),
    ("blockquote of 2012", early, 3),
    ("blockquote, author in <p>", wrapped, 4),
    ("blockquote, link only", link_only, 3),
    ("blockquote in WordPress", wordpress, 3),
    ("blockquote quoting another", quoting, 2),
    ("rendered widget", rendered, 4),
    ("iframe", iframe, 2),
    ("amp-twitter", amp, 2),
    ("JSON island", island, 2),
    ("escaped attribute", escaped, 2),
    ("link", link, 8),
)
#: Kinds without the id, for posts with media and for posts without.
FLAT_MEDIA: tuple[tuple[str, Callable[[Moment], Block], int], ...] = (
    ("flattened, pic code", partial(flattened, "pic"), 10),
    ("flattened, pic.x.com code", partial(flattened, "picx"), 3),
    ("flattened, t.co for media", partial(flattened, "tco"), 2),
    ("flattened, codes lost", partial(flattened, "none"), 3),
)
