"""What exists in the simulated web and when: accounts, posts, media, short codes, pages, mementos and troubles.

Values are frozen; a `World` is the register of them. Everything that is not given is derived from the seed and the
order of the calls, so two worlds built alike answer alike, to the byte. What changes over time is a dated event, and
what an answer shows depends on the world's clock alone, which only a test moves.
"""

from __future__ import annotations

import base64
import builtins
import dataclasses
import datetime as dt
import enum
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, Wire
from tests.simulator.exchange import redirect as redirect_to
from tests.simulator.mementos import Memento

if TYPE_CHECKING:
    from tests.simulator.networks import Shared

#: X's ids: 41 bits of milliseconds since this, 10 of machine, 12 of sequence (PLATFORMS.md 0).
EPOCH_MS = 1288834974657
LAST_SEQUENTIAL = 29700859247

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_CODE = re.compile(r"https?://t\.co/(\w+)", re.ASCII)

T = TypeVar("T")


# --- time -----------------------------------------------------------------------------------------------------------


class Clock:
    """The world's time, in UTC. It stands still unless a test moves it."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)) -> None:
        self.now = now

    def advance(self, **units: float) -> dt.datetime:
        """Move on by `timedelta(**units)`; returns the new time."""
        self.now += dt.timedelta(**units)
        return self.now

    def set(self, now: dt.datetime) -> None:
        self.now = now


def snowflake_time(id: str) -> dt.datetime | None:
    """When a snowflake id was made, to the millisecond; None for the sequential ids before 2010-11-04."""
    if int(id) <= LAST_SEQUENTIAL:
        return None
    return dt.datetime.fromtimestamp(((int(id) >> 22) + EPOCH_MS) / 1000, dt.UTC)


def _last(events: Sequence[tuple[dt.datetime, T]]) -> T | None:
    """The latest of dated events; of two at one time the one said last."""
    return sorted(events, key=lambda event: event[0])[-1][1] if events else None


# --- things ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """Who posts. `id` is stable; the handle can change (`World.rename`)."""

    id: str
    handle: str
    name: str
    created_at: dt.datetime
    description: str = ""
    is_blue: bool = False
    followers: int = 0

    @property
    def avatar(self) -> str:
        key = base64.urlsafe_b64encode(films.digest("avatar", self.id))[:8].decode()
        return f"https://pbs.twimg.com/profile_images/{self.id}/{key}_normal.jpg"


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture on pbs.twimg.com. `key` and `id` are given by the world where left empty."""

    width: int = 1200
    height: int = 800
    format: str = "jpg"
    alt: str | None = None
    key: str = ""
    id: str = ""

    kind = "photo"

    @property
    def url(self) -> str:
        return f"https://pbs.twimg.com/media/{self.key}.{self.format}"

    def bytes(self, name: str = "orig", format: str | None = None) -> bytes:
        """What pbs.twimg.com serves under that size name."""
        return films.photo(self.key, self.width, self.height, format or self.format, name)


@dataclass(frozen=True, slots=True)
class Film:
    """A video or a GIF (which X keeps as a silent MP4). `path` is the family of its address on video.twimg.com."""

    width: int = 640
    height: int = 360
    seconds: float = 2.0
    path: str = "amplify_video"  # amplify_video | ext_tw_video | tweet_video
    alt: str | None = None
    key: str = ""
    id: str = ""

    @property
    def kind(self) -> str:
        return "animated_gif" if self.path == "tweet_video" else "video"

    @property
    def folder(self) -> str:
        return f"https://video.twimg.com/{self.path}/{self.id}" + ("/pu" if self.path == "ext_tw_video" else "")

    @property
    def poster(self) -> str:
        if self.kind == "animated_gif":
            return f"https://pbs.twimg.com/tweet_video_thumb/{self.key}.jpg"
        pu = "/pu" if self.path == "ext_tw_video" else ""
        return f"https://pbs.twimg.com/{self.path}_thumb/{self.id}{pu}/img/{self.key}.jpg"

    @property
    def renditions(self) -> tuple[Rendition, ...]:
        """The MP4s, smallest first; a GIF has one, with bitrate 0."""
        if self.kind == "animated_gif":
            return (Rendition(self, self.width, self.height, 0),)
        sizes: list[tuple[int, int, int]] = []
        for short, bitrate in ((270, 288_000), (360, 832_000), (720, 2_176_000)):
            if short <= min(self.width, self.height) or not sizes:
                scale = min(1.0, short / min(self.width, self.height))
                sizes.append((_even(self.width * scale), _even(self.height * scale), bitrate))
        return tuple(Rendition(self, *size) for size in dict.fromkeys(sizes))

    @property
    def best(self) -> Rendition:
        return self.renditions[-1]

    @property
    def playlist(self) -> str | None:
        """The HLS master playlist; GIFs have none."""
        if self.kind == "animated_gif":
            return None
        return f"{self.folder}/pl/{self.key}.m3u8?tag=14&v=26a"

    def bytes(self) -> bytes:
        """The best MP4."""
        return self.best.bytes()


@dataclass(frozen=True, slots=True)
class Rendition:
    """One MP4 of a film, `bitrate` in bit/s."""

    film: Film
    width: int
    height: int
    bitrate: int

    @property
    def url(self) -> str:
        if self.film.kind == "animated_gif":
            return f"https://video.twimg.com/tweet_video/{self.film.key}.mp4"
        return f"{self.film.folder}/vid/avc1/{self.width}x{self.height}/{self.key}.mp4?tag=14"

    @property
    def key(self) -> str:
        seed = films.digest("rendition", self.film.key, self.width, self.height)
        return base64.urlsafe_b64encode(seed)[:16].decode()

    @property
    def playlist(self) -> str:
        return f"{self.film.folder}/pl/avc1/{self.width}x{self.height}/{self.key}.m3u8"

    def segment_url(self, number: int) -> str:
        start, end = number * films.SEGMENT * 1000, (number + 1) * films.SEGMENT * 1000
        return f"{self.film.folder}/vid/avc1/{start}/{end}/{self.width}x{self.height}/{self.key}.ts"

    def bytes(self) -> bytes:
        film = self.film
        return films.video(film.key, self.width, self.height, film.seconds, sound=film.kind == "video")

    def segment(self, number: int) -> builtins.bytes:
        return films.segment(self.film.key, self.width, self.height, self.film.seconds, number)


def _even(size: float) -> int:
    return max(2, round(size / 2) * 2)


Medium = Photo | Film


def photo(width: int = 1200, height: int = 800, format: str = "jpg", alt: str | None = None) -> Photo:
    """A picture to post: `format` is jpg, png or webp."""
    return Photo(width, height, format, alt)


def video(
    width: int = 640, height: int = 360, seconds: float = 2.0, path: str = "amplify_video", alt: str | None = None
) -> Film:
    """A film to post, with sound; even pixel sizes."""
    return Film(width, height, seconds, path, alt)


def gif(width: int = 320, height: int = 240, seconds: float = 1.0, alt: str | None = None) -> Film:
    """An animated GIF to post: a silent MP4."""
    return Film(width, height, seconds, "tweet_video", alt)


@dataclass(frozen=True, slots=True)
class Post:
    """One post as its author wrote it: `text` has its t.co links and no media link, nothing HTML-escaped.

    `code` is the t.co code of its media (None without media); `media_of` the post whose media it re-uses, to which
    its code then leads. `versions` are the ids of all versions of an edited post, oldest first.
    """

    id: str
    account: Account
    text: str
    created_at: dt.datetime
    lang: str = "en"
    media: tuple[Medium, ...] = ()
    code: str | None = None
    media_of: str | None = None
    reply_to: str | None = None
    quotes: str | None = None
    is_sensitive: bool = False
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    quotations: int = 0
    views: int = 0
    bookmarks: int = 0

    @property
    def path(self) -> str:
        return f"/{self.account.handle}/status/{self.id}"

    @property
    def url(self) -> str:
        return f"https://x.com{self.path}"

    @property
    def full_text(self) -> str:
        """With the media link, as the APIs give it (before HTML escaping)."""
        return " ".join(part for part in (self.text, f"https://t.co/{self.code}" if self.code else "") if part)

    @property
    def is_note(self) -> bool:
        """Longer than 280 characters, links counted as 23 (X's rule, code points here)."""
        return len(self.text) > 280

    def __str__(self) -> str:
        return f"@{self.account.handle}: {self.text}"


class State(enum.StrEnum):
    LIVE = "live"
    DELETED = "deleted"
    SUSPENDED = "suspended"
    PROTECTED = "protected"
    WITHHELD = "withheld"
    AGE_RESTRICTED = "age-restricted"


class Code(enum.StrEnum):
    """How a t.co code stands."""

    LIVE = "live"
    DEAD = "dead"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class Uncertain:
    """What nobody knows about the real hosts (PLATFORMS.md [U] and [S]), so that a test can try it both ways."""

    deleted: str = "404"  # syndication of a deleted post: 404 | tombstone | empty
    suspended: str = "tombstone"  # tombstone | userless
    withheld: str = "empty-tombstone"  # empty-tombstone | empty
    age_restricted: str = "text"  # text | empty-tombstone | empty
    oembed_suspended: int = 403
    dead_code: int = 404  # 404 | 410 | 200
    other_agents: str = "redirect"  # t.co to an agent that is neither a browser's nor curl's: redirect | html
    pic_host: str = "status"  # pic.twitter.com/CODE: status | tco | absent
    media_after_deletion: int = 404  # 404 | 403 | 200
    graphql_deleted: str = "empty"  # empty | tombstone
    vx_missing: int = 500
    status_page: str = "shell"  # shell | login
    youtube_hidden: int = 401  # oEmbed of a video that is private or may not be embedded: 401 | 403
    tiktok_missing: int = 400  # 400 | 404
    meta_missing: int = 400  # 400 | 404
    reddit_programs: int = 200  # the permalink's JSON for programs: 200 | 403 | 429
    excluded_replay: int = 403  # a memento of an excluded site: 403, or 200 as in 2020


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something is wrong with a host for a while. With an `answer` that is what it says; without one its true answer
    travels on a bad `wire` or late. `path` is a regular expression searched in the request's path and query; `times`
    how often it strikes (None: always)."""

    host: str
    path: str = ""
    answer: Response | None = None
    wire: Wire = Wire.WHOLE
    delay: float = 0.0
    trickle: float = 0.0
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` to the paths of a host that match in `seconds` of the world's clock; then 429."""

    host: str
    requests: int
    seconds: float
    path: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One line of the log."""

    request: Request
    response: Response

    @property
    def at(self) -> dt.datetime:
        assert self.request.at is not None
        return self.request.at


# --- the register ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Job:
    """One Save Page Now job; it is pending for `polls` more questions about it."""

    id: str
    url: str
    polls: int
    options: Mapping[str, str]
    error: str | None = None
    memento: Memento | None = None


@dataclass
class World:
    """The register of all that exists, and the one function that answers requests about it: `answer`."""

    seed: int = 0
    clock: Clock = field(default_factory=Clock)
    uncertain: Uncertain = field(default_factory=Uncertain)
    #: Bearer tokens that API v2 accepts.
    bearers: set[str] = field(default_factory=lambda: {"simulated-bearer"})
    #: Save Page Now accounts, as `key:secret`; without any authorization one saves as nobody in particular.
    save_keys: set[str] = field(default_factory=lambda: {"key:secret"})
    #: How often a Save Page Now job says "pending".
    save_polls: int = 1
    accounts: dict[str, Account] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    mementos: list[Memento] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    unsavable: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    log: list[Exchange] = field(default_factory=list)
    #: Posts of the networks besides X by `network:id`, and their files by URL: whose, type, bytes.
    networks: dict[str, Shared] = field(default_factory=dict)
    files: dict[str, tuple[Shared, str, bytes]] = field(default_factory=dict)
    #: Hosts of other networks, by name; who simulates one (`hosts.bluesky.Sky`, …) puts its answers here.
    others: dict[str, Callable[[World, Request], Response]] = field(default_factory=dict)
    #: What a test should look at when it wonders: wrong syndication tokens, hosts nobody made.
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._made = 0
        self._states: dict[str, list[tuple[dt.datetime, State]]] = {}
        self._handles: dict[str, list[tuple[dt.datetime, str]]] = {}
        self._codes: dict[str, list[tuple[dt.datetime, Code]]] = {}
        self._pages: dict[str, list[tuple[dt.datetime, Response]]] = {}
        self._edits: dict[str, list[str]] = {}
        self._struck: dict[int, int] = {}
        self._media: dict[str, tuple[str, Medium]] = {}

    # --- making ---

    def _token(self, *parts: object, size: int = 10, alphabet: str = _BASE62) -> str:
        number = int.from_bytes(films.digest(self.seed, *parts), "big")
        out = []
        for _ in range(size):
            number, digit = divmod(number, len(alphabet))
            out.append(alphabet[digit])
        return "".join(out)

    def id_at(self, at: dt.datetime, *parts: object) -> str:
        """A snowflake made in that second; the millisecond, machine and sequence come from the seed."""
        seed = films.digest(self.seed, "id", *parts)
        ms = int(at.timestamp()) * 1000 + int.from_bytes(seed[:2], "big") % 1000
        if ms < EPOCH_MS:
            raise ValueError(f"{at}: before snowflakes; give the sequential id")
        return str((ms - EPOCH_MS) << 22 | (int.from_bytes(seed[2:4], "big") % 1024) << 12 | seed[4])

    def account(
        self,
        handle: str,
        name: str | None = None,
        *,
        id: str | None = None,
        created_at: dt.datetime = dt.datetime(2012, 3, 4, 5, 6, 7, tzinfo=dt.UTC),
        description: str = "",
        is_blue: bool = False,
    ) -> Account:
        """The account with that handle, made if there is none."""
        existing = self.find_account(handle)
        if existing is not None:
            return existing
        id = id or str(int(self._token("account", handle.lower(), size=9, alphabet="123456789")))
        followers = int(self._token("followers", handle.lower(), size=4, alphabet="0123456789"))
        account = Account(id, handle, name or handle, created_at, description, is_blue, followers)
        self.accounts[id] = account
        self._handles[id] = [(dt.datetime.min.replace(tzinfo=dt.UTC), handle)]
        return account

    def post(
        self,
        handle: str,
        text: str,
        created_at: dt.datetime | dt.date | None = None,
        media: Iterable[Medium] = (),
        id: str | None = None,
        *,
        name: str | None = None,
        code: str | None = None,
        links: Mapping[str, str] | None = None,
        lang: str = "en",
        reply_to: Post | None = None,
        quotes: Post | None = None,
        media_of: Post | None = None,
        is_sensitive: bool = False,
    ) -> Post:
        """Publish a post. URLs in the text are shortened; `links` (code → target) are those whose code is given, put
        at the end of the text unless they stand in it. `code` is that of the media link. The id is a snowflake made
        at `created_at` (a date means noon UTC) unless given, and then the two must agree to the second."""
        author = self.account(handle, name)
        if id is not None:
            made_at = snowflake_time(id)
            if created_at is None:
                created_at = made_at
            elif made_at is not None and made_at.replace(microsecond=0) != _second(created_at):
                raise ValueError(f"id {id} was made at {made_at}, not at {created_at}")
        if created_at is None:
            raise ValueError("a post needs its time: created_at or a snowflake id")
        at = _second(created_at)
        self._made += 1
        id = id or self.id_at(at, handle.lower(), text, self._made)
        if id in self.posts:
            raise ValueError(f"post {id} exists")
        made = tuple(self._medium(medium, at, id, number) for number, medium in enumerate(media))
        if media_of is not None:
            made = media_of.media
        for given, target in (links or {}).items():
            self.code(given, target)
            if f"t.co/{given}" not in text:
                text = f"{text} https://t.co/{given}".strip()
        text = _URL.sub(lambda found: self._shorten(found[0], id), text)
        media_code = (code or self._token("media", id)) if made else None
        tally = films.digest(self.seed, "tally", id)
        post = Post(
            id,
            author,
            text,
            at,
            lang,
            made,
            media_code,
            media_of.id if media_of else None,
            reply_to.id if reply_to else None,
            quotes.id if quotes else None,
            is_sensitive,
            likes=tally[0] * 7,
            reposts=tally[1],
            replies=tally[2] % 40,
            quotations=tally[3] % 20,
            views=tally[0] * 400 + tally[4],
            bookmarks=tally[5] % 30,
        )
        self.posts[id] = post
        self._edits[id] = [id]
        if media_of is None:
            for medium in made:
                self._media[medium.id] = self._media[medium.key] = (id, medium)
        if media_code:
            self.codes[media_code] = media_url(media_of or post)
        return post

    def _medium(self, medium: Medium, at: dt.datetime, post: str, number: int) -> Medium:
        size = 15 if isinstance(medium, Photo) or medium.kind == "animated_gif" else 16
        key = medium.key or "G" + self._token("medium", post, number, size=size - 1)
        id = medium.id or self.id_at(at - dt.timedelta(seconds=9 - number), "medium", post, number)
        return dataclasses.replace(medium, key=key, id=id)

    def _shorten(self, url: str, post: str) -> str:
        found = _CODE.fullmatch(url)
        if found:
            self.codes.setdefault(found[1], "https://example.org/")
            return url
        code = self._token("code", post, url)
        self.code(code, url)
        return f"https://t.co/{code}"

    def code(self, code: str, target: str) -> str:
        """A t.co code and where it leads; returns the code."""
        self.codes[code] = target
        return code

    def share(
        self,
        network: str,
        name: str,
        text: str,
        created_at: dt.datetime,
        media: Iterable[Medium] = (),
        *,
        handle: str | None = None,
        author: str | None = None,
        **options: object,
    ) -> Shared:
        """Publish a post on another network under the id its URL carries (`channel/12` on Telegram); `options` are
        those that the network's host describes. `delete`, `protect_post` and `restore` take it as they take a post."""
        from tests.simulator.networks import Shared, content

        handle = handle or name.partition("/")[0]
        made = tuple(self._medium(medium, created_at, name, number) for number, medium in enumerate(media))
        post = Shared(network, name, handle, author or handle, text, _second(created_at), made, options)
        self.networks[post.id] = post
        for medium in made:
            self.files[post.file(medium)] = (post, *content(medium))
            if isinstance(medium, Film):
                still = films.photo(medium.key, medium.width, medium.height)
                self.files[post.still(medium)] = (post, "image/jpeg", still)
        return post

    def protect_post(self, post: Shared, at: dt.datetime | None = None) -> None:
        """A post of another network is there and no longer public."""
        self._say(post.id, State.PROTECTED, at)

    def page(
        self,
        url: str,
        body: str | bytes = "",
        *,
        content_type: str = "text/html; charset=utf-8",
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        answer: Response | None = None,
        at: dt.datetime | None = None,
    ) -> str:
        """An ordinary page anywhere in the web (an article, a news site), from `at` on; returns the URL. Several
        pages at one URL follow each other in time."""
        content = body.encode() if isinstance(body, str) else body
        answer = answer or Response(status, (("content-type", content_type), *headers), content)
        events = self._pages.setdefault(_page_key(Request.get(url)), [])
        events.append((at or dt.datetime.min.replace(tzinfo=dt.UTC), answer))
        return url

    def loop(self, url: str, length: int = 2) -> str:
        """A page that redirects to itself through `length` URLs."""
        ring = [url, *(f"{url.rstrip('/')}/{number}" for number in range(1, length))]
        for here, there in zip(ring, [*ring[1:], url], strict=True):
            self.page(here, answer=redirect_to(there))
        return url

    # --- what becomes of them ---

    def _say(self, key: str, state: State, at: dt.datetime | None) -> None:
        self._states.setdefault(key, []).append((at or self.clock.now, state))

    def delete(self, post: Post | Shared | str, at: dt.datetime | None = None) -> None:
        """The author deletes it, now or at a given time."""
        self._say(_id(post), State.DELETED, at)

    def withhold(self, post: Post | str, at: dt.datetime | None = None) -> None:
        self._say(_id(post), State.WITHHELD, at)

    def restrict(self, post: Post | str, at: dt.datetime | None = None) -> None:
        """Age-restricted: alive, but not shown to strangers."""
        self._say(_id(post), State.AGE_RESTRICTED, at)

    def restore(self, post: Post | Shared | str, at: dt.datetime | None = None) -> None:
        """The post itself is back (a suspended or protected account is freed by `free`)."""
        self._say(_id(post), State.LIVE, at)

    def suspend(self, handle: str, at: dt.datetime | None = None) -> None:
        self._say(f"@{self.account(handle).id}", State.SUSPENDED, at)

    def protect(self, handle: str, at: dt.datetime | None = None) -> None:
        self._say(f"@{self.account(handle).id}", State.PROTECTED, at)

    def free(self, handle: str, at: dt.datetime | None = None) -> None:
        self._say(f"@{self.account(handle).id}", State.LIVE, at)

    def rename(self, handle: str, new: str, at: dt.datetime | None = None) -> None:
        """The account takes another handle; the old one is free for anybody."""
        account = self.account(handle)
        self._handles[account.id].append((at or self.clock.now, new))

    def edit(self, post: Post, text: str, at: dt.datetime | None = None) -> Post:
        """The author edits it: X gives the new version a new id, and both know of each other."""
        versions = self._edits[post.id]
        edited = self.post(post.account.handle, text, at or self.clock.now, lang=post.lang)
        edited = dataclasses.replace(edited, media=post.media, code=post.code)
        self.posts[edited.id] = edited
        versions.append(edited.id)
        self._edits[edited.id] = versions
        return edited

    def kill(self, code: str, at: dt.datetime | None = None) -> None:
        """A t.co code goes dead."""
        self._codes.setdefault(code, []).append((at or self.clock.now, Code.DEAD))

    def flag(self, code: str, at: dt.datetime | None = None) -> None:
        """A t.co code is held for dangerous and leads to a warning page."""
        self._codes.setdefault(code, []).append((at or self.clock.now, Code.FLAGGED))

    # --- web archives ---

    def memento(
        self,
        url: str,
        at: dt.datetime,
        body: str | bytes = b"",
        *,
        status: int = 200,
        mime: str = "text/html",
        headers: Iterable[tuple[str, str]] = (),
        is_revisit: bool = False,
    ) -> Memento:
        """A capture in the Wayback Machine, visible from the time it was made."""
        content = body.encode() if isinstance(body, str) else body
        memento = Memento(
            url, at.astimezone(dt.UTC).replace(microsecond=0), status, mime, content, tuple(headers), is_revisit
        )
        self.mementos.append(memento)
        return memento

    def archive(self, post: Post, at: dt.datetime, form: str = "v1", url: str | None = None) -> Memento:
        """A capture of a post's page in one of the forms of `archived.FORMS`: v1 and v2 (JSON), old and microdata
        (HTML), shell, login, absent, refused. The URL is the one at twitter.com unless given."""
        from tests.simulator.archived import FORMS

        got = FORMS[form](self, post)
        url = url or f"https://twitter.com{post.path}"
        return self.memento(url, at, got.body, status=got.status, mime=got.mime, headers=got.headers)

    def archive_media(self, post: Post, at: dt.datetime) -> tuple[Memento, ...]:
        """Captures of a post's pictures (as `?format=&name=orig`) and best films."""
        kept = []
        for medium in post.media:
            if isinstance(medium, Photo):
                url = f"https://pbs.twimg.com/media/{medium.key}?format={medium.format}&name=orig"
                mime = {"jpg": "image/jpeg"}.get(medium.format, f"image/{medium.format}")
                kept.append(self.memento(url, at, medium.bytes(), mime=mime))
            else:
                kept.append(self.memento(medium.best.url, at, medium.bytes(), mime="video/mp4"))
        return tuple(kept)

    def archive_code(self, code: str, at: dt.datetime) -> Memento:
        """A capture of a t.co code's redirect."""
        headers = (("location", self.codes[code]), ("cache-control", "private,max-age=300"))
        return self.memento(f"https://t.co/{code}", at, b"", status=301, headers=headers)

    def exclude(self, url_prefix: str) -> None:
        """The Wayback Machine refuses to show anything whose URL key begins so."""
        self.excluded.append(url_prefix)

    def refuse_saving(self, url: str, error: str = "error:blocked-url") -> None:
        """Save Page Now fails for this URL."""
        self.unsavable[url] = error

    # --- trouble ---

    def trouble(
        self,
        host: str,
        *,
        path: str = "",
        status: int | None = None,
        answer: Response | None = None,
        wire: Wire = Wire.WHOLE,
        delay: float = 0.0,
        trickle: float = 0.0,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
        times: int | None = None,
    ) -> Trouble:
        """Something goes wrong with a host (see `Trouble`); a `status` alone gets the words that host would use."""
        if status is not None and answer is None:
            answer = refusal(host, status)
        trouble = Trouble(host, path, answer, wire, delay, trickle, start, end, times)
        self.troubles.append(trouble)
        return trouble

    def limit(
        self, host: str, requests: int, seconds: float, *, path: str = "", retry_after: int | None = None
    ) -> Limit:
        """A rate limit, counted by the world's clock."""
        limit = Limit(host, requests, seconds, path, retry_after)
        self.limits.append(limit)
        return limit

    def calm(self) -> None:
        """No more troubles and limits."""
        self.troubles.clear()
        self.limits.clear()

    # --- asking the register ---

    def find_account(self, handle: str) -> Account | None:
        """By the handle of this moment, any case."""
        for account in self.accounts.values():
            if self.handle_of(account.id).lower() == handle.lower():
                return self.accounts[account.id]
        return None

    def handle_of(self, account_id: str) -> str:
        return _last([event for event in self._handles[account_id] if event[0] <= self.clock.now]) or ""

    def find(self, id: str) -> Post | None:
        """A post that has been published by now, with the handle its author has now."""
        post = self.posts.get(id)
        if post is None or post.created_at > self.clock.now:
            return None
        handle = self.handle_of(post.account.id)
        if handle != post.account.handle:
            return dataclasses.replace(post, account=dataclasses.replace(post.account, handle=handle))
        return post

    def state(self, post: Post) -> State:
        """How it stands at this moment; what befell the post goes before what befell the account."""
        own = _last([event for event in self._states.get(post.id, ()) if event[0] <= self.clock.now])
        if own not in (None, State.LIVE):
            return own
        account = _last([event for event in self._states.get(f"@{post.account.id}", ()) if event[0] <= self.clock.now])
        return account or State.LIVE

    def fate(self, post: Shared) -> State:
        """How a post of another network stands at this moment."""
        return _last([event for event in self._states.get(post.id, ()) if event[0] <= self.clock.now]) or State.LIVE

    def shared_posts(self, network: str) -> tuple[Shared, ...]:
        """Those of one network that have been published by now."""
        return tuple(
            post for post in self.networks.values() if post.network == network and post.created_at <= self.clock.now
        )

    def account_state(self, account_id: str) -> State:
        return _last([e for e in self._states.get(f"@{account_id}", ()) if e[0] <= self.clock.now]) or State.LIVE

    def code_state(self, code: str) -> Code:
        if code not in self.codes:
            return Code.DEAD
        return _last([event for event in self._codes.get(code, ()) if event[0] <= self.clock.now]) or Code.LIVE

    def versions(self, post: Post) -> tuple[str, ...]:
        """Ids of all versions published by now, oldest first."""
        return tuple(id for id in self._edits[post.id] if self.find(id) is not None)

    def page_at(self, request: Request) -> Response | None:
        events = [event for event in self._pages.get(_page_key(request), ()) if event[0] <= self.clock.now]
        return _last(events)

    def hosts(self) -> frozenset[str]:
        """Every name that resolves in this web."""
        from tests.simulator.hosts import HANDLERS

        return frozenset(HANDLERS) | frozenset(self.others) | {key.partition("/")[0] for key in self._pages}

    def owner(self, name: str) -> tuple[Post, Medium] | None:
        """The post that first published a medium, found by its id or key, and the medium."""
        found = self._media.get(name)
        return (self.posts[found[0]], found[1]) if found else None

    # --- answering ---

    def answer(self, request: Request) -> Response:
        """The answer of the host that is asked, at the world's present time, noted in the log. Nothing is waited for
        here: `delay`, `trickle` and `wire` are carried out by whoever serves the answer."""
        with self._lock:
            request = dataclasses.replace(request, at=self.clock.now)
            response = self._refused(request) or self.respond(request)
            response = self._marred(request, response)
            accepts = request.header("accept-encoding") or ""
            if "gzip" in accepts and _is_text(response) and request.query.get("gzip") != "false":
                response = response.squeezed()
            if response.header("date") is None:
                response = response.with_headers(("date", http_date(self.clock.now)))
            self.log.append(Exchange(request, response))
            return response

    def respond(self, request: Request) -> Response:
        """The true answer, with no trouble on its way and no note of it."""
        from tests.simulator.hosts import HANDLERS

        if request.host in HANDLERS:
            return HANDLERS[request.host](self, request)
        if request.host in self.others:
            return self.others[request.host](self, request)
        page = self.page_at(request)
        if page is None and request.host not in self.hosts():
            self.warnings.append(f"no such host in this web: {request.url}")
        return page or refusal(request.host, 404)

    def _refused(self, request: Request) -> Response | None:
        for limit in self.limits:
            if limit.host != request.host or not re.search(limit.path, request.target):
                continue
            since = self.clock.now - dt.timedelta(seconds=limit.seconds)
            asked = [e for e in self.log if e.request.host == limit.host and re.search(limit.path, e.request.target)]
            if sum(e.at > since and e.response.status != 429 for e in asked) >= limit.requests:
                extra = (("retry-after", str(limit.retry_after)),) if limit.retry_after is not None else ()
                return refusal(request.host, 429).with_headers(*extra)
        return None

    def _marred(self, request: Request, response: Response) -> Response:
        for trouble in self.troubles:
            struck = self._struck.get(id(trouble), 0)
            if (
                trouble.host != request.host
                or not re.search(trouble.path, request.target)
                or (trouble.start is not None and self.clock.now < trouble.start)
                or (trouble.end is not None and self.clock.now >= trouble.end)
                or (trouble.times is not None and struck >= trouble.times)
            ):
                continue
            self._struck[id(trouble)] = struck + 1
            answer = trouble.answer or response
            return dataclasses.replace(
                answer,
                wire=answer.wire if trouble.wire is Wire.WHOLE else trouble.wire,
                delay=answer.delay + trouble.delay,
                trickle=max(answer.trickle, trouble.trickle),
            )
        return response

    def asked(self, host: str | None = None, path: str = "") -> tuple[Request, ...]:
        """The requests so far, of one host, whose path and query match a regular expression."""
        return tuple(
            exchange.request
            for exchange in self.log
            if (host is None or exchange.request.host == host) and re.search(path, exchange.request.target)
        )

    def get(self, url: str, **headers: str) -> Response:
        """Ask the world itself, in process: `world.get("https://t.co/x", user_agent="curl/8")`."""
        return self.answer(Request.get(url, **headers))


# --- small rules ----------------------------------------------------------------------------------------------------


def _id(post: Post | Shared | str) -> str:
    return post if isinstance(post, str) else post.id


def _second(at: dt.datetime | dt.date) -> dt.datetime:
    if isinstance(at, dt.datetime):
        return at.astimezone(dt.UTC).replace(microsecond=0)
    return dt.datetime(at.year, at.month, at.day, 12, tzinfo=dt.UTC)


def _page_key(request: Request) -> str:
    return request.host + request.target


def _is_text(response: Response) -> bool:
    kind = response.header("content-type") or ""
    wanted = kind.startswith("text/") or "json" in kind or "mpegurl" in kind.lower()
    return bool(response.body) and wanted and response.repeat == 1 and response.header("content-encoding") is None


def media_url(post: Post, number: int = 1) -> str:
    """Where a media code leads: the post's own photo or video page."""
    kind = "photo" if isinstance(post.media[number - 1], Photo) else "video"
    return f"https://x.com{post.path}/{kind}/{number}"


def http_date(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def refusal(host: str, status: int) -> Response:
    """A host's own error of that status, in its own words where they are known."""
    if host == "cdn.syndication.twimg.com":
        kind, text = "text/plain", "Rate limit exceeded" if status == 429 else str(status)
    elif host in ("x.com", "api.x.com", "api.twitter.com"):
        code, said = (88, "Rate limit exceeded") if status == 429 else (status, "Unspecified")
        kind, text = "application/json", f'{{"errors":[{{"code":{code},"message":"{said}"}}]}}'
    else:
        kind, text = "text/html", f"<html><body><h1>{status}</h1></body></html>"
    return Response(status, (("content-type", kind),), text.encode())
