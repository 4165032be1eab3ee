"""Pages as web archives hold them: what each network's site served for one post, and what stood in its way.

Bluesky's and Mastodon's follow their open templates (social-app:bskyweb/templates/post.html,
mastodon:app/views/statuses/show.html.haml and, to version 4.2, _detailed_status.html.haml); YouTube's and TikTok's hold
the data that yt-dlp reads out of them.
"""

from __future__ import annotations

import html
import json

from tests.simulator.hosts.bluesky import Record
from tests.simulator.hosts.mastodon import Status
from tests.simulator.networks import Shared

SHELL = "<!doctype html><html><head><title>Just a site</title></head><body><div id='root'></div></body></html>"
LOGIN = "<!doctype html><html><head><title>Log in</title></head><body><form action='/login'></form></body></html>"
CONSENT = (
    "<!doctype html><html><head><title>Before you continue</title></head>"
    "<body><form action='https://consent.youtube.com/save'></form></body></html>"
)


def _meta(**stated: str | None) -> str:
    names = {name.replace("__", ":"): value for name, value in stated.items() if value}
    return "".join(f'<meta property="{name}" content="{html.escape(value)}">' for name, value in names.items())


def bluesky(record: Record, *, hides: bool = False, with_did: bool = True) -> str:
    """bsky.app's page of a post."""
    account, text = record.account, html.escape(record.value["text"])
    uri = f"https://bsky.app/profile/{account.handle}/post/{record.key}"
    if hides:
        name = account.handle
        text = "This author has chosen to make their posts visible only to people who are signed in."
        body = f'<div id="bsky_post_summary"><p id="bsky_handle">{name}</p><p id="bsky_post_text">{text}</p></div>'
        return f"<html><head>{_meta(og__url=uri, og__description=text)}</head><body>{body}</body></html>"
    images = [f"https://cdn.bsky.app/img/feed_thumbnail/plain/{account.did}/{cid}@jpeg" for _, _, cid in record.media]
    pictures = "".join(_meta(og__image=each) for each in images) or _meta(
        og__image=f"https://cdn.bsky.app/img/avatar_thumbnail/plain/{account.did}/bafkreiavatar@jpeg"
    )
    at = record.value["createdAt"]
    did = f'<p id="bsky_did">{account.did}</p>' if with_did else ""
    head = _meta(
        og__type="article", profile__username=account.handle, og__url=uri,
        og__title=f"{account.name} (@{account.handle})",
        og__description=record.value["text"], article__published_time=at,
    )  # fmt: skip
    return (
        f'<html><head><title>@{account.handle} on Bluesky</title>{head}{pictures}<link rel="canonical" href="{uri}">'
        f'<link rel="alternate" href="{record.uri}"></head><body><div id="root"></div><noscript>'
        f'<div id="bsky_post_summary"><h3>Post</h3><p id="bsky_display_name">{html.escape(account.name)}</p>'
        f'<p id="bsky_handle">{account.handle}</p>{did}<p id="bsky_post_text">{text}</p>'
        f'<p id="bsky_post_indexedat">{at}</p></div></noscript></body></html>'
    )


def mastodon(status: Status, form: str = "new") -> str:
    """The page of a status: `new`, a program with a description, or `old`, with the status in it."""
    uri = f"https://{status.host}/@{status.user}/{status.id}"
    at = status.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    images = [
        f"https://files.{status.host}/media_attachments/files/{medium.id}/original/a.jpg" for medium in status.media
    ]
    card = "summary_large_image" if images else "summary"
    pictures = "".join(
        _meta(og__image=each) for each in images or [f"https://{status.host}/avatars/original/missing.png"]
    )
    head = _meta(
        og__site_name="Mastodon", og__type="article", og__title=f"{status.name} (@{status.user}@{status.host})",
        og__url=uri, og__published_time=at, profile__username=f"{status.user}@{status.host}",
        og__description=status.text, twitter__card=card,
    )  # fmt: skip
    body = '<div class="app-holder" id="mastodon"></div>'
    if form == "old":
        text = html.escape(status.text).replace("\n\n", "</p><p>")
        body = (
            '<div class="detailed-status detailed-status--flex"><div class="p-author h-card">'
            '<span class="display-name">'
            f'<strong class="display-name__html p-name emojify">{html.escape(status.name)}</strong></span></div>'
            f'<div class="status__content emojify"><div class="e-content" dir="ltr"><p>{text}</p></div></div>'
            f'<a class="u-url u-uid" href="{uri}"><time class="formatted" datetime="{at}">2026</time></a></div>'
        )
    return f"<html><head>{head}{pictures}</head><body>{body}</body></html>"


def youtube(post: Shared) -> str:
    """A watch page, with what its player was given."""
    player = {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {
            "videoId": post.name, "title": post.text, "lengthSeconds": "42", "channelId": "UC" + "a" * 22,
            "shortDescription": "At dawn; nobody was hurt.", "author": post.author, "viewCount": "12345",
            "thumbnail": {"thumbnails": [
                {"url": f"https://i.ytimg.com/vi/{post.name}/default.jpg", "width": 120, "height": 90},
                {"url": f"https://i.ytimg.com/vi/{post.name}/hqdefault.jpg", "width": 480, "height": 360},
            ]},
        },
        "microformat": {"playerMicroformatRenderer": {
            "ownerProfileUrl": f"http://www.youtube.com/@{post.handle}", "publishDate": post.created_at.isoformat(),
        }},
        "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": [
            {"baseUrl": f"https://www.youtube.com/api/timedtext?v={post.name}&lang=en", "languageCode": "en"},
        ]}},
    }  # fmt: skip
    return (
        f"<html><body><script>var ytInitialPlayerResponse = {json.dumps(player)};var meta = 1;</script></body></html>"
    )


def tiktok(post: Shared, form: str = "universal") -> str:
    """A clip's page, with what its program was given: `universal`, or `sigi` before 2023."""
    clip = {
        "id": post.name, "desc": post.text, "createTime": str(int(post.created_at.timestamp())),
        "author": {"id": "6812345", "uniqueId": post.handle, "nickname": post.author},
        "video": {
            "duration": 12, "width": 360, "height": 640, "originCover": "https://p16.tiktokcdn.example/cover.jpg",
            "playAddr": "https://v16.tiktokcdn.example/film.mp4",
        },
        "stats": {"diggCount": 5, "shareCount": 2, "commentCount": 3, "playCount": 900},
    }  # fmt: skip
    if form == "sigi":
        old = {**clip, "author": post.handle, "nickname": post.author, "authorId": "6812345"}
        data = json.dumps({"ItemModule": {post.name: old}})
        return f'<html><body><script id="SIGI_STATE" type="application/json">{data}</script>'
    data = {"__DEFAULT_SCOPE__": {"webapp.video-detail": {"itemInfo": {"itemStruct": clip}, "statusCode": 0}}}
    name = "__UNIVERSAL_DATA_FOR_REHYDRATION__"
    return f'<html><body><script id="{name}" type="application/json">{json.dumps(data)}</script></body></html>'
