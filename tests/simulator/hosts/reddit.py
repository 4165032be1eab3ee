"""www.reddit.com: the permalink's JSON, oEmbed, share links; redd.it (PLATFORMS.md 1.2 and 3.9).

`Shared.options`: subreddit, body, comments (of (id, author, text, parent)), gallery, removed_by, share (a token), link,
subreddit_type (private, quarantined). `World.reddit_agents` False: any program is refused, as data centres are.
"""

from __future__ import annotations

import html
import re
from typing import Any

from tests.simulator.exchange import Request, Response, document, redirect
from tests.simulator.exchange import html as page
from tests.simulator.networks import Shared
from tests.simulator.world import Film, Photo, State, World

_POST = re.compile(r"/comments/([0-9a-z]{3,10})(?:/[^/]*)?(?:/([0-9a-z]{3,10}))?(?:/|/?\.json|/?\?|$)")


def _find(world: World, id: str) -> Shared | None:
    return next((each for each in world.shared_posts("reddit") if each.name == id), None)


def submission(world: World, post: Shared) -> dict[str, Any]:
    """A link or text post as the listing gives it."""
    subreddit = post.options.get("subreddit", "harbours")
    title, _, body = post.text.partition("\n\n")
    fate = world.fate(post)
    about: dict[str, Any] = {
        "id": post.name,
        "name": f"t3_{post.name}",
        "subreddit": subreddit,
        "title": title,
        "selftext": body,
        "selftext_html": f"&lt;p&gt;{html.escape(body)}&lt;/p&gt;" if body else None,
        "author": post.handle,
        "author_fullname": "t2_abc12",
        "created_utc": float(int(post.created_at.timestamp())),
        "permalink": post.url.removeprefix("https://www.reddit.com"),
        "url": post.options.get("link", post.url),
        "domain": f"self.{subreddit}",
        "is_self": not post.media and "link" not in post.options,
        "is_video": False,
        "media": None,
        "secure_media": None,
        "removed_by_category": None,
        "score": 120,
        "ups": 120,
        "num_comments": len(post.options.get("comments", ())),
        "over_18": False,
        "pinned": False,
        "stickied": False,
    }
    if len(post.media) == 1 and isinstance(post.media[0], Photo):
        about["url"] = about["url_overridden_by_dest"] = post.file(post.media[0])
        about["post_hint"], about["domain"] = "image", "i.redd.it"
    elif len(post.media) == 1 and isinstance(film := post.media[0], Film):
        about["url"] = about["url_overridden_by_dest"] = f"https://v.redd.it/{film.key}"
        about["is_video"], about["domain"] = True, "v.redd.it"
        about["secure_media"] = about["media"] = {
            "reddit_video": {
                "bitrate_kbps": 1200,
                "fallback_url": post.file(film),
                "hls_url": f"https://v.redd.it/{film.key}/HLSPlaylist.m3u8?a=1",
                "dash_url": f"https://v.redd.it/{film.key}/DASHPlaylist.mpd?a=1",
                "width": film.width,
                "height": film.height,
                "duration": int(film.seconds),
                "is_gif": False,
                **({"has_audio": True} if post.options.get("has_audio") else {}),
            }
        }
    elif post.media:
        about["is_gallery"] = True
        about["url"] = f"https://www.reddit.com/gallery/{post.name}"
        about["gallery_data"] = {
            "items": [{"media_id": each.key, "id": n, "caption": each.alt or ""} for n, each in enumerate(post.media)]
        }
        about["media_metadata"] = {
            each.key: {
                "status": "valid",
                "e": "Image",
                "m": "image/jpg",
                "id": each.key,
                "s": {
                    "x": each.width,
                    "y": each.height,
                    "u": f"https://preview.redd.it/{each.key}.jpg?width={each.width}&format=pjpg&auto=webp&s=abc",
                },
            }
            for each in reversed(post.media)
        }
    if fate is State.DELETED:
        about |= {"author": "[deleted]", "selftext": "[deleted]", "removed_by_category": "deleted", "url": post.url}
    elif post.options.get("removed_by"):
        about |= {"selftext": "[removed]", "removed_by_category": post.options["removed_by"]}
    return about


def _listing(things: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    children = [{"kind": kind, "data": about} for kind, about in things]
    return {"kind": "Listing", "data": {"after": None, "dist": len(children), "children": children, "before": None}}


def _comments(post: Shared, wanted: str | None) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            "t1",
            {
                "id": id,
                "name": f"t1_{id}",
                "author": author,
                "body": text,
                "body_html": f"<p>{html.escape(text)}</p>",
                "parent_id": parent,
                "link_id": f"t3_{post.name}",
                "created_utc": float(int(post.created_at.timestamp()) + 60),
                "permalink": f"{post.url.removeprefix('https://www.reddit.com')}{id}/",
                "score": 7,
            },
        )
        for id, author, text, parent in post.options.get("comments", ())
        if wanted in (None, id)
    ]


def json(world: World, post: Shared | None, comment: str | None) -> Response:
    if post is None:
        return document({"message": "Not Found", "error": 404}, 404)
    kind = post.options.get("subreddit_type")
    if kind:
        return document({"reason": kind, "message": "Forbidden", "error": 403}, 403)
    return document([_listing([("t3", submission(world, post))]), _listing(_comments(post, comment))])


def oembed(world: World, request: Request) -> Response:
    found = _POST.search(request.query.get("url", ""))
    post = _find(world, found[1]) if found else None
    if post is None:
        return document({"message": "Not Found", "error": 404}, 404)
    about = submission(world, post)
    title, author = html.escape(about["title"]), about["author"]
    return document(
        {
            "author_name": author,
            "html": f'<blockquote class="reddit-embed-bq" style="height:316px" >\n'
            f'<a href="{post.url}">{title}</a><br> by\n'
            f'<a href="https://www.reddit.com/user/{author}/">u/{author}</a> in\n'
            f'<a href="https://www.reddit.com/r/{about["subreddit"]}/">{about["subreddit"]}</a>\n</blockquote>\n'
            '<script async src="https://embed.reddit.com/widgets.js" charset="UTF-8"></script>',
            "provider_name": "reddit",
            "provider_url": "https://www.reddit.com",
            "title": about["title"],
            "type": "rich",
            "height": 316,
        }
    )


def reddit(world: World, request: Request) -> Response:
    if request.path == "/oembed":
        return oembed(world, request)
    for post in world.shared_posts("reddit"):
        if post.options.get("share") and request.path.rstrip("/").endswith(f"/s/{post.options['share']}"):
            return redirect(f"{post.url}?share_id=x1&utm_source=share", 301)
    found = _POST.search(request.path)
    if found and request.path.endswith(".json"):
        if world.uncertain.reddit_programs != 200:
            return page("<title>Blocked</title><p>whoa there, pardner!</p>", world.uncertain.reddit_programs)
        return json(world, _find(world, found[1]), found[2])
    return page("<title>Reddit - Please wait for verification</title>", 404 if "/s/" in request.path else 200)


def short(world: World, request: Request) -> Response:
    return redirect(f"https://www.reddit.com/comments/{request.path.strip('/')}", 301)


HANDLERS = {"www.reddit.com": reddit, "old.reddit.com": reddit, "redd.it": short}
