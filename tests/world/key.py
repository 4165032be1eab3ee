"""The answer key: which post each embed truly shows, and whether what can be seen suffices to tell.

Whether it suffices is decided by going through the register itself, not by any way of looking things up:

1. the embed carries the post's id: yes;
2. else the posts that the evidence admits are counted, and it suffices where there is exactly one:
   a. the post that a code leads to, live or by an archived redirect of exactly that code, if the code is one of media
      (shown as pic.twitter.com or pic.x.com, or leading to a photo or video), the owner is the author named, the
      post's time is in the day ± 26 h, and its words, where anybody can still see them, are those of the embed;
   b. every post that the archive's index has under the named handle whose time is in the day ± 26 h and whose words
      are those of the embed once they have passed through the same losses. They are read in a capture under that
      handle, or, where the archive has but shells, in the live post if its author still has that handle (X does not
      check the handle in a URL). Words alone do not count if they are so few that anybody might have said them.

Seen are the words of a post that is live, and of one with a readable capture.

A bare short link names no author: there the redirect itself is all the evidence.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulator.world import Code, Post, State, snowflake_time
from tests.world.web import LargeWorld

#: PLATFORMS.md 4: an embed's day has no zone.
MARGIN = dt.timedelta(hours=26)

#: Shown by one host or another to anybody who asks (an age-restricted post by relays alone, PLATFORMS.md 3.3).
_PUBLIC = (State.LIVE, State.AGE_RESTRICTED)
_STATUS = re.compile(r"^https?://(?:twitter|x)\.com/(?:(\w+)/status|i/web/status)/(\d+)(/(?:photo|video)/\d)?$")


def window(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    start = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return start - MARGIN, start + dt.timedelta(days=1) + MARGIN


@dataclass(frozen=True, slots=True)
class Said:
    """What an embed without an id says of its post: `wording` makes an article's words of any post, with the losses
    of that article; `shown` are the words as they stand there."""

    handle: str
    day: dt.date
    shown: str
    wording: Callable[[Post], str]
    pic_codes: tuple[str, ...] = ()
    other_codes: tuple[str, ...] = ()
    is_terse: bool = False
    is_altered: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One embed of one article: where it stands in the article's text, and the post it truly shows (None: none)."""

    article: int
    start: int
    end: int
    kind: str
    truth: str | None
    has_id: bool
    said: Said | None = None
    code: str | None = None
    troubles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """One article."""

    location: str
    media_type: str
    text: str


@dataclass
class Key:
    """The world, its articles, and the truth about every embed in them."""

    seed: int
    world: LargeWorld
    pages: list[Page] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    #: Posts with a readable capture, by the handle in the captured URL, lower-case.
    readable: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Posts with any capture, by the handle in the captured URL, lower-case: the index gives their ids.
    indexed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Where an archived redirect of exactly that code leads.
    redirects: dict[str, str] = field(default_factory=dict)
    #: What is done between two rounds of the run.
    later: list[Callable[[], object]] = field(default_factory=list)
    _seen: dict[str, bool] = field(default_factory=dict)

    def is_kept(self, id: str) -> bool:
        """Whether the archive has a readable capture of a post."""
        return any(id in posts for posts in self.readable.values())

    def is_seen(self, id: str) -> bool:
        """Whether anybody can still read the words of a post."""
        if id not in self._seen:
            is_live = self.world.state(self.world.posts[id]) in _PUBLIC
            self._seen[id] = is_live or self.is_kept(id)
        return self._seen[id]

    def led(self, code: str) -> list[tuple[str | None, str, bool]]:
        """(handle in the URL, id, whether of media) of each post that a code leads to, now or in the archive."""
        targets = {self.redirects.get(code)}
        if self.world.code_state(code) is Code.LIVE:
            targets.add(self.world.codes[code])
        found = [match for target in targets if target and (match := _STATUS.match(target))]
        return [(match[1], match[2], match[3] is not None) for match in found]

    def admitted(self, shown: Shown) -> set[str]:
        """Every post that what can be seen admits for an embed that carries no id."""
        if shown.code is not None:
            return {id for _, id, _ in self.led(shown.code)}
        said = shown.said
        assert said is not None
        low, high = window(said.day)
        posts = set()
        for code in (*said.pic_codes, *said.other_codes):
            for handle, id, is_media in self.led(code):
                post = self.world.posts.get(id)
                if post is None or not (is_media or code in said.pic_codes):
                    continue
                owners = {handle and handle.lower()}
                if self.world.state(post) in _PUBLIC:
                    owners.add(self.world.handle_of(post.account.id).lower())
                if said.handle.lower() not in owners or not low <= _at(post) < high:
                    continue
                if not self.is_seen(id) or said.wording(post) == said.shown:
                    posts.add(id)
        if said.pic_codes or said.other_codes or not said.is_terse:
            handle = said.handle.lower()
            for id in self.indexed.get(handle, ()):
                post = self.world.posts[id]
                is_read = id in self.readable.get(handle, ()) or (
                    self.world.state(post) in _PUBLIC and self.world.handle_of(post.account.id).lower() == handle
                )
                if is_read and low <= _at(post) < high and said.wording(post) == said.shown:
                    posts.add(id)
        return posts

    def suffices(self, shown: Shown) -> bool:
        """Whether exactly one post is admitted, and the embed's own words are not altered."""
        if shown.truth is None:
            return False
        if shown.has_id:
            return True
        if shown.said is not None and shown.said.is_altered:
            return False
        return self.admitted(shown) == {shown.truth}

    def misleads(self, shown: Shown) -> bool:
        """Whether all that can be seen names one post, and it is another one: nobody could tell."""
        if shown.has_id:
            return False
        admitted = self.admitted(shown)
        return len(admitted) == 1 and admitted != {shown.truth}


def _at(post: Post) -> dt.datetime:
    return snowflake_time(post.id) or post.created_at


def of(post: Post, handle: str) -> Post:
    """The post as it stood while its author had that handle."""
    return dataclasses.replace(post, account=dataclasses.replace(post.account, handle=handle))
