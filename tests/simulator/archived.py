"""The forms in which web archives hold posts (PLATFORMS.md 3.6): what a crawler got for a status URL over the years.

Each form is a function `(World, Post) -> Capture`: status, media type, body and headers of that capture.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.simulator.payloads import entities, iso, lookup_v2, status_v11
from tests.simulator.world import Photo, Post, World


@dataclass(frozen=True, slots=True)
class Capture:
    """What a crawler got."""

    status: int
    mime: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def _json(value: object) -> bytes:
    # The stream's own writing: ASCII, with angle brackets and slashes escaped.
    text = json.dumps(value, separators=(",", ":"))
    for plain, coded in (("/", "\\/"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(plain, coded)
    return text.encode()


def v1(world: World, post: Post) -> Capture:
    """v1.1 streaming JSON."""
    return Capture(200, "application/json", _json(status_v11(world, post)))


def v2(world: World, post: Post) -> Capture:
    """v2-like JSON: `{"data": …, "includes": …}`."""
    body = json.dumps(lookup_v2(world, [post], single=True), ensure_ascii=False, separators=(",", ":"))
    return Capture(200, "application/json", body.encode())


_EMOJI = re.compile("[\U0001f1e6-\U0001f1ff]{2}|[\U0001f300-\U0001faff☀-➿]️?")


def _old_paragraph(world: World, post: Post) -> str:
    """Links with what they stand for, the media link hidden, emoji as pictures."""
    text = html.escape(post.full_text, quote=False)
    found = entities(world, post, text)
    pieces = []
    for link in found["urls"]:
        target = html.escape(link["expanded_url"])
        pieces.append(
            (
                link["indices"],
                f'<a href="{link["url"]}" rel="nofollow noopener" dir="ltr" data-expanded-url="{target}" '
                f'class="twitter-timeline-link" target="_blank" title="{target}"><span class="js-display-url">'
                f"{html.escape(link['display_url'])}</span></a>",
            )
        )
    for link in found.get("media", ()):
        pieces.append(
            (
                link["indices"],
                f'<a href="{link["url"]}" class="twitter-timeline-link u-hidden" data-pre-embedded="true" '
                f'dir="ltr">pic.twitter.com/{post.code}</a>',
            )
        )
    for name in found["user_mentions"]:
        handle = name["screen_name"]
        pieces.append(
            (
                name["indices"],
                f'<a href="/{handle}" class="twitter-atreply pretty-link js-nav" dir="ltr"><s>@</s><b>{handle}</b></a>',
            )
        )
    for tag in found["hashtags"]:
        word = tag["text"]
        pieces.append(
            (
                tag["indices"],
                f'<a href="/hashtag/{word}?src=hash" class="twitter-hashtag pretty-link js-nav" dir="ltr">'
                f"<s>#</s><b>{word}</b></a>",
            )
        )
    for (start, end), markup in sorted(pieces, reverse=True):
        text = text[:start] + markup + text[end:]

    def picture(found: re.Match[str]) -> str:
        name = "-".join(f"{ord(character):x}" for character in found[0] if character != "️")
        return (
            f'<img class="Emoji Emoji--forText" src="https://abs.twimg.com/emoji/v2/72x72/{name}.png" '
            f'draggable="false" alt="{found[0]}" aria-label="Emoji">'
        )

    return _EMOJI.sub(picture, text)


def _old_tweet(world: World, post: Post, *, is_main: bool) -> str:
    account = post.account
    name = html.escape(account.name)
    at = post.created_at
    kind = "permalink-tweet js-actionable-user js-actionable-tweet js-original-tweet" if is_main else "js-stream-tweet"
    size = "TweetTextSize TweetTextSize--jumbo" if is_main else "TweetTextSize"
    photos = "".join(
        f'<div class="AdaptiveMedia-photoContainer js-adaptive-photo" data-image-url="{medium.url}">'
        f'<img data-aria-label-part src="{medium.url}" alt="{html.escape(medium.alt or "")}"></div>'
        for medium in post.media
        if isinstance(medium, Photo)
    )
    media = (
        f'<div class="AdaptiveMediaOuterContainer"><div class="AdaptiveMedia">{photos}</div></div>' if photos else ""
    )
    reply = ' data-is-reply-to="true" data-has-parent-tweet="true"' if post.reply_to else ""
    conversation = post.reply_to or post.id
    return f"""<div class="tweet {kind}"
data-associated-tweet-id="{post.id}" data-tweet-id="{post.id}" data-item-id="{post.id}"
data-permalink-path="{post.path}" data-conversation-id="{conversation}"{reply}
data-screen-name="{account.handle}" data-name="{name}" data-user-id="{account.id}">
<div class="content clearfix"><div class="permalink-header">
<a class="account-group js-account-group js-action-profile js-user-profile-link js-nav" href="/{account.handle}"
 data-user-id="{account.id}"><img class="avatar js-action-profile-avatar" src="{account.avatar}" alt="">
<span class="FullNameGroup"><strong class="fullname show-popup-with-id u-textTruncate">{name}</strong></span>
<span class="username u-dir u-textTruncate" dir="ltr">@<b>{account.handle}</b></span></a>
<small class="time"><a href="{post.path}" class="tweet-timestamp js-permalink js-nav js-tooltip"
 title="{at.strftime("%I:%M %p").lstrip("0")} - {at.day} {at:%b %Y}" data-conversation-id="{conversation}">
<span class="_timestamp js-short-timestamp" data-aria-label-part="last" data-time="{int(at.timestamp())}"
 data-time-ms="{int(at.timestamp()) * 1000}" data-long-form="true">{at:%b} {at.day}</span></a></small>
</div></div>
<div class="js-tweet-text-container">
  <p class="{size} js-tweet-text tweet-text" lang="{post.lang}" data-aria-label-part="0">""" + (
        f"""{_old_paragraph(world, post)}</p>
</div>
{media}
</div>
"""
    )


def old(world: World, post: Post) -> Capture:
    """The page of before June 2020: the post, its ancestor above it and somebody's reply below."""
    above = world.posts.get(post.reply_to or "")
    below = [other for other in world.posts.values() if other.reply_to == post.id]
    tweets = [_old_tweet(world, above, is_main=False)] if above else []
    tweets += [_old_tweet(world, post, is_main=True), *(_old_tweet(world, other, is_main=False) for other in below)]
    name = html.escape(post.account.name)
    # The canonical link may lower-case the handle.
    canonical = f"https://twitter.com/{post.account.handle.lower()}/status/{post.id}"
    page = f"""<!DOCTYPE html>
<html lang="en" data-scribe-reduced-action-queue="true"><head><meta charset="utf-8">
<title>{name} on Twitter: &quot;{html.escape(post.full_text)}&quot;</title>
<link rel="canonical" href="{canonical}">
<meta property="al:ios:url" content="twitter://status?id={post.id}">
<meta property="og:type" content="article">
<meta property="og:url" content="{canonical}">
<meta property="og:title" content="{name} on Twitter">
<meta property="og:description" content="“{html.escape(post.full_text)}”">
</head><body><div class="permalink-container">
{"".join(tweets)}</div></body></html>"""
    return Capture(200, "text/html", page.encode(), (("content-type", "text/html;charset=utf-8"),))


def microdata(world: World, post: Post) -> Capture:
    """The rendered page of 2022 with schema.org microdata, an ancestor's included."""

    def posting(each: Post, position: int) -> str:
        account = each.account
        parent = world.posts.get(each.reply_to or "")
        part = f'<meta content="https://twitter.com{parent.path}" itemProp="isPartOf"/>' if parent else ""
        likes = (
            '<div itemProp="interactionStatistic" itemscope="" itemType="https://schema.org/InteractionCounter">'
            '<meta content="https://schema.org/LikeAction" itemProp="interactionType"/><meta content="Likes" '
            f'itemProp="name"/><meta content="{each.likes}" itemProp="userInteractionCount"/></div>'
        )
        return (
            '<div itemProp="hasPart" itemscope="" itemType="https://schema.org/SocialMediaPosting">'
            f'<meta content="{each.id}" itemProp="identifier"/><meta content="{position}" itemProp="position"/>'
            f'<meta content="{each.replies}" itemProp="commentCount"/><meta content="" itemProp="contentRating"/>'
            f'<meta content="{iso(each.created_at)}" itemProp="dateCreated"/>'
            f'<meta content="{iso(each.created_at)}" itemProp="datePublished"/>'
            f'<meta content="https://twitter.com{each.path}" itemProp="url"/>'
            '<div itemProp="author" itemscope="" itemType="https://schema.org/Person">'
            f'<meta content="{account.id}" itemProp="identifier"/>'
            f'<meta content="{account.handle}" itemProp="additionalName"/>'
            f'<meta content="{html.escape(account.name)}" itemProp="givenName"/></div>{part}{likes}'
            '<div class="css-1dbjc4n"><article role="article" data-testid="tweet">'
            f'<div lang="{each.lang}" dir="auto" itemProp="articleBody" data-testid="tweetText">'
            f'<span class="css-901oao">{html.escape(each.full_text)}</span></div></article></div></div>'
        )

    chain = [each for each in (world.posts.get(post.reply_to or ""), post) if each]
    page = (
        '<!DOCTYPE html><html dir="ltr" lang="en"><head><meta charset="utf-8"/></head><body><div id="react-root">'
        '<div itemscope="" itemType="https://schema.org/Collection"><meta content="Conversation" itemProp="name"/>'
        f"{''.join(posting(each, position) for position, each in enumerate(chain))}</div></div></body></html>"
    )
    return Capture(200, "text/html", page.encode(), (("content-type", "text/html; charset=utf-8"),))


def shell(world: World, post: Post) -> Capture:
    """A page of scripts: archived, and empty."""
    from tests.simulator.hosts.x import shell as page

    return Capture(200, "text/html", page().encode(), (("content-type", "text/html; charset=utf-8"),))


def login(world: World, post: Post) -> Capture:
    """A redirect to the login, as most 302 rows are."""
    return Capture(302, "text/html", b"", (("location", "https://x.com/i/flow/login"),))


def absent(world: World, post: Post) -> Capture:
    """An archived 404, which the login wall also made: no proof of absence."""
    return Capture(404, "text/html", b"<html><head><title>Twitter / ?</title></head><body>Sorry</body></html>")


def refused(world: World, post: Post) -> Capture:
    """An archived 429: the crawler's rate limit of that day."""
    return Capture(429, "text/html", b"<html><title>429</title><body>Rate limit exceeded.</body></html>")


FORMS: Mapping[str, Callable[[World, Post], Capture]] = {
    "v1": v1,
    "v2": v2,
    "old": old,
    "microdata": microdata,
    "shell": shell,
    "login": login,
    "absent": absent,
    "refused": refused,
}
