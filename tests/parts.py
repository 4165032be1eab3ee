"""What a post, as a source showed it, holds: in the words of `archiver.platforms.PARTS`."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.model import Post

_KINDS = {"photo": "pictures", "video": "films", "gif": "films", "audio": "sound"}
_EXTRAS = {
    "poll": "poll", "card": "card", "place": "place", "coordinates": "place", "geo": "place", "location": "place",
    "edit_tweet_ids": "edits", "edited": "edits", "edited_at": "edits", "is_stale_edit": "edits",
    "labels": "warnings", "is_sensitive": "warnings", "spoiler": "warnings", "possibly_sensitive": "warnings",
    "over_18": "warnings", "community_note": "community note", "captions": "captions", "description": "description",
}  # fmt: skip


def parts(post: Post) -> Iterator[str]:
    """Each part that is there, perhaps more than once."""
    for name, value in (
        ("text", post.text), ("author", post.author.handle or post.author.name), ("account id", post.author.id),
        ("time", post.created_at), ("day", post.created_on), ("language", post.lang), ("links", post.links),
        ("answered post", post.reply_to), ("quoted post", post.quotes), ("counts", post.counts),
    ):  # fmt: skip
        if value:
            yield name
    for media in post.media:
        if media.urls:
            yield _KINDS.get(media.kind, "pictures")
        if media.alt:
            yield "alt text"
    yield from (_EXTRAS[name] for name, _ in post.extra if name in _EXTRAS)
