"""From a seed: accounts, posts, what became of them, what the Wayback Machine kept, and articles that show them."""

from __future__ import annotations

import datetime as dt
import html
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from tests.simulator.exchange import Wire
from tests.simulator.world import Clock, Code, Photo, Post, Uncertain, snowflake_time
from tests.world import words
from tests.world.embeds import FLAT_MEDIA, WITH_ID, ZONES, Block, Moment, flattened, plain_link, short, stripped
from tests.world.key import Key, Page, Shown, of, window
from tests.world.web import LargeWorld

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
#: What is not known of the real hosts is tried in one way a seed.
UNCERTAIN = (
    Uncertain(),
    Uncertain(deleted="tombstone", pic_host="tco", dead_code=410, suspended="userless"),
    Uncertain(deleted="empty", pic_host="absent", dead_code=200, other_agents="html", withheld="empty"),
)
READABLE = ("v1", "v2", "old", "microdata")
UNREADABLE = ("shell", "login", "absent", "refused")
#: The days on which ids gained a digit: no two of a window need have the same number of them.
_BOUNDARIES = (dt.datetime(2018, 5, 25, 17, tzinfo=dt.UTC), dt.datetime(2011, 8, 7, 0, tzinfo=dt.UTC))


class _Maker:
    """One generation under way."""

    def __init__(self, seed: int, posts: int, articles: int) -> None:
        self.rng = random.Random(seed)
        self.wanted, self.articles = posts, articles
        self.world = LargeWorld(seed=seed, clock=Clock(NOW), uncertain=UNCERTAIN[(seed - 1) % len(UNCERTAIN)])
        self.key = Key(seed, self.world)
        self.tags: dict[str, set[str]] = defaultdict(set)
        self.made: list[Post] = []
        self.twins: dict[str, int] = {}  # post → its group of equal words
        self.media: list[Post] = []
        self.names: dict[str, str] = {}

    # --- accounts and posts ---

    def populate(self) -> None:
        number = 0
        while len(self.made) < self.wanted:
            number += 1
            self.account(number, self.rng.randint(30, 90))

    def handle(self, number: int) -> str:
        syllables = ("har", "bri", "sto", "cra", "riv", "vil", "fer", "mar", "Kyi", "Ode", "NEO", "del", "ta", "por")
        stem = "".join(self.rng.choice(syllables) for _ in range(2))
        return f"{stem}{self.rng.choice(('', '_', 'X'))}{number}"[:15]

    def account(self, number: int, posts: int) -> None:
        rng, world = self.rng, self.world
        handle = self.handle(number)
        lang = "en" if rng.random() < 0.55 else rng.choice(words.LANGUAGES)
        name = rng.choice(("{} Watch", "{} (Live)", "{} 🇪🇺", "🌊 {} — News", "Dr. {}", "{}", "{}????", "«{}»")).format(
            handle.strip("_0123456789").title()
        )
        account = world.account(handle, name)
        role = rng.choices(("plain", "renamed", "re-used", "suspended", "protected", "boundary"), (70, 8, 8, 6, 4, 4))[
            0
        ]
        begin = NOW - dt.timedelta(days=rng.randint(400, 5200))
        if role == "boundary":
            begin = rng.choice(_BOUNDARIES) - dt.timedelta(days=1)
        first = self.days(handle, lang, begin, posts if role not in ("renamed", "re-used") else posts // 2, role)
        if role in ("renamed", "re-used"):
            new = f"{handle[:12]}_{rng.choice('xyz')}"
            at = max(post.created_at for post in first) + dt.timedelta(days=rng.randint(2, 90))
            world.rename(handle, new, at)
            second = self.days(new, lang, at + dt.timedelta(days=2), posts - posts // 2, role)
            for post in (*first, *second):
                self.tags[post.id].add("renamed handle")
            if role == "re-used":
                world.account(handle, f"{name} II", id=str(10**9 + number))
                taken = self.days(handle, lang, at + dt.timedelta(days=4), posts // 2, role, echo=first)
                for post in (*first, *taken):
                    self.tags[post.id].add("handle re-used by another")
        if role == "suspended":
            world.suspend(handle, NOW - dt.timedelta(days=rng.randint(1, 300)))
        elif role == "protected":
            world.protect(handle, NOW - dt.timedelta(days=rng.randint(1, 300)))
        assert account.id in world.accounts

    def days(
        self, handle: str, lang: str, begin: dt.datetime, posts: int, role: str, echo: Sequence[Post] = ()
    ) -> list[Post]:
        """Busy days, so that the window of a day holds several posts of one author."""
        rng = self.rng
        made: list[Post] = []
        at = begin
        while len(made) < posts and at < NOW - dt.timedelta(days=3):
            day: list[Post] = []
            hours = sorted(rng.uniform(0, 40) for _ in range(rng.randint(1, 9)))
            for hour in hours:
                when = min(at + dt.timedelta(hours=hour), NOW - dt.timedelta(hours=8)).replace(microsecond=0)
                day += self.post(handle, lang, when, day, echo)
            made += day
            at += (
                dt.timedelta(days=2) if role == "boundary" and len(made) < 12 else dt.timedelta(days=rng.randint(3, 60))
            )
        self.made += made
        self.media += [post for post in made if post.media and post.media_of is None]
        return made

    def post(self, handle: str, lang: str, at: dt.datetime, day: list[Post], echo: Sequence[Post]) -> list[Post]:
        """One post (an edited one is two) of one of the sorts that make trouble, or of none."""
        rng, world = self.rng, self.world
        sort = rng.choices(
            ("plain", "photo", "link", "link and photo", "near", "twin", "terse", "retweet", "quote", "own quote",
             "reply", "others' media", "own media", "own media near", "note", "edit", "no words"),
            (34, 22, 10, 6, 8, 1.5, 1.5, 3, 2, 1, 3, 3, 1, 0.7, 1.5, 1, 0.8),
        )[0]  # fmt: skip
        text = self.decorated(words.sentence(rng, lang))
        photos = [Photo(32, 24)] if rng.random() < 0.4 else []
        earlier = rng.choice(day) if day else None
        write = partial(world.post, handle, created_at=at, lang=lang)
        news = f"https://news.example.org/{rng.randrange(10**6)}"
        if echo and rng.random() < 0.2:
            # The handle's new owner repeats the old one, or shows the old one's pictures.
            old = rng.choice(echo)
            made = write(text=_bare(old.text) or text, media_of=old if old.media else None)
            return [self.tagged(made, "repeats the handle's former owner")]
        if sort == "photo":
            return [write(text=text, media=[Photo(32, 24) for _ in range(rng.choice((1, 1, 1, 2, 4)))])]
        if sort == "link":
            return [write(text=f"{text} {news}" + (f" {news}-b" if rng.random() < 0.3 else ""))]
        if sort == "link and photo":
            return [self.tagged(write(text=f"{text} {news} via {news}-c", media=[Photo(32, 24)]), "several codes")]
        if sort == "near" and earlier and _bare(earlier.text):
            return [self.near(write, earlier, lang, news, photos)]
        if sort == "twin" and earlier and _bare(earlier.text):
            made = write(text=_bare(earlier.text))
            group = self.twins.setdefault(earlier.id, len(self.twins))
            self.twins[made.id] = group
            self.tagged(earlier, "equal words, same day")
            return [self.tagged(made, "equal words, same day")]
        if sort == "terse":
            return [self.tagged(write(text=rng.choice(words.TERSE), media=photos), "few words")]
        if sort == "no words":
            return [self.tagged(write(text="", media=[Photo(32, 24)]), "few words")]
        if sort == "retweet" and self.made:
            source = rng.choice(self.media if self.media and rng.random() < 0.6 else self.made)
            said = f"RT @{source.account.handle}: {_bare(source.text)}"
            said = said if len(said) <= 139 else said[:139] + "…"
            made = write(text=said, media_of=source if source.media else None)
            return [self.tagged(made, "retweet")]
        if sort == "quote" and self.made:
            return [self.quote(write, text, rng.choice(self.made), "quote")]
        if sort == "own quote" and earlier:
            return [self.quote(write, text, earlier, "quotes its own author, same day")]
        if sort == "reply" and self.made:
            parent = rng.choice(self.made)
            return [self.tagged(write(text=f"@{parent.account.handle} {text}", reply_to=parent), "reply")]
        if sort == "others' media" and self.media:
            return [self.tagged(write(text=text, media_of=rng.choice(self.media)), "media of another author")]
        own = [post for post in day if post.media and post.media_of is None]
        if sort == "own media" and own:
            return [self.tagged(write(text=text, media_of=rng.choice(own)), "own media again, same day")]
        own = [post for post in own if _bare(post.text)]
        if sort == "own media near" and own:
            first = rng.choice(own)
            made = write(text=words.number_changed(rng, _bare(first.text)), media_of=first)
            return [self.tagged(made, "own media again, near words")]
        if sort == "note":
            long = " ".join(words.sentence(rng, lang) for _ in range(9))
            return [self.tagged(write(text=long, media=photos), "long note")]
        if sort == "edit" and at < NOW - dt.timedelta(hours=1):
            before = write(text=text, media=photos)
            after = world.edit(before, words.number_changed(rng, text), at + dt.timedelta(minutes=rng.randint(2, 50)))
            return [self.tagged(before, "edited later"), self.tagged(after, "edited version")]
        return [write(text=text, media=photos)]

    def tagged(self, post: Post, tag: str) -> Post:
        self.tags[post.id].add(tag)
        return post

    def decorated(self, text: str) -> str:
        rng = self.rng
        if rng.random() < 0.25:
            text = f"{rng.choice(words.EMOJI)} {text}"
        if rng.random() < 0.12:
            text += f" #{rng.choice(('harbour', 'Breaking', 'порт', 'UA'))}"
        if rng.random() < 0.08:
            text = text.replace(" ", " & ", 1)
        if rng.random() < 0.08:
            text = f"“{text}”"
        if rng.random() < 0.12 and text.count(" ") > 5:
            half = text.split(" ")
            text = " ".join(half[:3]) + rng.choice(("\n", "\n\n")) + " ".join(half[3:])
        if rng.random() < 0.06 and self.made:
            text += f" @{rng.choice(self.made).account.handle}"
        return text

    def near(self, write: Callable[..., Post], earlier: Post, lang: str, news: str, photos: list[Photo]) -> Post:
        """Words that differ from an earlier post's of the same day by a little."""
        rng, base = self.rng, _bare(earlier.text)
        how = rng.choice(("number", "word", "more", "emoji", "link"))
        said = {
            "number": words.number_changed(rng, base),
            "word": words.word_changed(rng, base, lang),
            "more": f"{base} {words.sentence(rng, lang, least=3, most=5)}",
            "emoji": f"{rng.choice(words.EMOJI)} {base.lstrip(''.join(words.EMOJI) + ' ')}",
            "link": f"{base} {news}",
        }[how]
        made = write(text=said, media=photos)
        if _bare(made.text) == base and made.text == earlier.text:
            return self.tagged(made, "equal words, same day")
        tag = f"near words ({'equal but for the link' if how == 'link' else how})"
        self.tagged(earlier, tag)
        return self.tagged(made, tag)

    def quote(self, write: Callable[..., Post], text: str, quoted: Post, tag: str) -> Post:
        return self.tagged(write(text=f"{text} {quoted.url}", quotes=quoted), tag)

    # --- what became of them ---

    def befall(self) -> None:
        rng, world = self.rng, self.world
        for post in self.made:
            after = post.created_at + dt.timedelta(hours=rng.uniform(1, 4000))
            after = min(after, NOW - dt.timedelta(minutes=5))
            chance = rng.random()
            if chance < 0.20:
                world.delete(post, after)
            elif chance < 0.215:
                world.withhold(post, after)
            elif chance < 0.23:
                world.restrict(post, after)
            elif chance < 0.24:
                world.delete(post, after)
                self.tags[post.id].add("deleted, then back")
                self.key.later.append(partial(world.restore, post))

    def capture(self) -> None:
        """The Wayback Machine: posts in every form, hosts and paths of their day; redirects of codes."""
        rng, world, key = self.rng, self.world, self.key
        of_group: dict[int, str] = {}
        for post in self.made:
            kind = rng.choices(("none", "readable", "unreadable"), (33, 49, 18))[0]
            group = self.twins.get(post.id)
            if group is not None and rng.random() < 0.9:
                kind = of_group.setdefault(group, kind)
            if kind == "none":
                continue
            forms = [rng.choice(UNREADABLE) for _ in range(rng.choice((0, 0, 1, 2)) if kind == "readable" else 1)]
            at = min(post.created_at + dt.timedelta(hours=rng.expovariate(1 / 900)), NOW - dt.timedelta(minutes=9))
            if kind == "readable":
                forms.insert(rng.randint(0, len(forms)), self.form(at))
            for number, form in enumerate(forms):
                then = min(at + dt.timedelta(days=number * rng.randint(1, 40)), NOW - dt.timedelta(minutes=5 - number))
                handle = world.handle_at(post.account.id, then)
                as_then = of(post, handle)
                world.archive(as_then, then, form, self.captured_url(as_then, then))
                key.indexed[handle.lower()].add(post.id)
                if form in READABLE:
                    key.readable[handle.lower()].add(post.id)
        for post in self.made:
            if post.code is not None:
                self.fate_of_code(post.code, post)

    def form(self, at: dt.datetime) -> str:
        if at.year < 2020:
            return self.rng.choice(("old", "old", "v1"))
        return self.rng.choice(("microdata", "v1", "v2") if at.year == 2022 else ("v1", "v2", "v2"))

    def captured_url(self, post: Post, at: dt.datetime) -> str:
        rng = self.rng
        host = rng.choices(("twitter.com", "x.com", "mobile.twitter.com", "www.twitter.com"), (70, 14, 8, 8))[0]
        if host == "x.com" and at.year < 2023:
            host = "twitter.com"
        path = post.path
        if at.year < 2015 and rng.random() < 0.3:
            path = path.replace("/status/", "/statuses/")
        if rng.random() < 0.1:
            path = path.replace(post.account.handle, post.account.handle.lower())
        suffix = rng.choices(("", "?s=20", "/photo/1" if post.media else "", "?lang=de"), (88, 4, 4, 4))[0]
        return f"https://{host}{path}{suffix}"

    def fate_of_code(self, code: str, post: Post) -> None:
        rng, world, key = self.rng, self.world, self.key
        at = min(post.created_at + dt.timedelta(days=rng.randint(0, 200)), NOW - dt.timedelta(minutes=3))
        if rng.random() < 0.3:
            if rng.random() < 0.3:
                target = world.codes[code]
                page = (
                    f'<head><noscript><META http-equiv="refresh" content="0;URL={target}"></noscript>'
                    f"<title>{target}</title></head><script>window.opener = null; "
                    f'location.replace("{target.replace("/", chr(92) + "/")}")</script>'
                )
                world.memento(f"https://t.co/{code}", at, page)
            else:
                world.archive_code(code, at)
            key.redirects[code] = world.codes[code]
        if rng.random() < 0.06:
            self.collide(code, at)
        chance = rng.random()
        if chance < 0.22:
            world.kill(code)
        elif chance < 0.235:
            world.flag(code)

    def collide(self, code: str, at: dt.datetime) -> None:
        """Another code that differs from it by case alone: one key in the archive's index."""
        twin = code.swapcase()
        if twin == code or twin in self.world.codes:
            return
        target = self.rng.choice((self.rng.choice(self.made).url, "https://news.example.org/else"))
        self.world.code(twin, target)
        self.world.archive_code(twin, at)
        self.key.redirects[twin] = target
        self.tags[code].add("code collides by case")

    # --- articles ---

    def write(self) -> None:
        rng = self.rng
        troubled = [post for post in self.made if self.tags[post.id]]
        for number in range(self.articles):
            is_html = rng.random() < 0.45
            location = f"https://paper{number % 40}.example/{number}.{'html' if is_html else 'txt'}"
            parts: list[tuple[str, tuple[str, Block, Post | None, frozenset[str]] | None]] = []
            for _ in range(rng.choice((1, 2, 2, 3, 4))):
                parts.append((words.prose(rng), None))
                post = rng.choice(troubled if rng.random() < 0.45 else self.made)
                parts.append(("", self.embed(post, is_html=is_html)))
            parts.append((words.prose(rng), None))
            self.key.pages.append(self.page(number, location, parts, is_html=is_html))

    def moment(self, post: Post) -> Moment:
        rng = self.rng
        seen_at = post.created_at + dt.timedelta(hours=rng.uniform(0, 70))
        troubles = set(self.tags[post.id])
        if rng.random() < 0.12:
            seen_at = NOW - dt.timedelta(hours=1)
        handle = self.world.handle_at(post.account.id, min(seen_at, NOW))
        at = snowflake_time(post.id) or post.created_at
        day = (at + dt.timedelta(hours=rng.choice(ZONES))).date()
        if day != at.date():
            troubles.add("day off by a time zone")
        if rng.random() < 0.015:
            day += dt.timedelta(days=rng.choice((-30, -7, -4, 4, 9, 365)))
            if not window(day)[0] <= at < window(day)[1]:
                troubles.add("wrong date")
        return Moment(rng, self.world, post, handle, post.account.name, day, frozenset(troubles))

    def embed(self, post: Post, *, is_html: bool) -> tuple[str, Block, Post | None, frozenset[str]]:
        """One of the kinds that this post can be shown in: (kind, block, true post, troubles)."""
        rng = self.rng
        seen = self.moment(post)
        chance = rng.random()
        if is_html and chance < 0.64:
            kind, make, _ = rng.choices(WITH_ID, [weight for *_, weight in WITH_ID])[0]
            return kind, make(seen), post, seen.troubles
        if not is_html and chance < 0.08:
            return "link in text", plain_link(seen), post, seen.troubles
        if chance < (0.74 if is_html else 0.18):
            return self.shortlink(seen)
        if is_html and chance < 0.92:
            return "blockquote without permalink", stripped(seen), post, seen.troubles
        if post.code is not None:
            kind, make, _ = rng.choices(FLAT_MEDIA, [weight for *_, weight in FLAT_MEDIA])[0]
            block = make(seen)
        else:
            codes = rng.choice(("pic", "none"))
            block = flattened(codes, seen)
            kind = "flattened, t.co only" if block.said and block.said.other_codes else "flattened, no code"
        assert block.said is not None
        if len(block.said.pic_codes + block.said.other_codes) > 1:
            kind = "flattened, several codes"
        if is_html:
            kind = "flattened inside HTML"
        return kind, block, post, seen.troubles | block.troubles

    def shortlink(self, seen: Moment) -> tuple[str, Block, Post | None, frozenset[str]]:
        """A bare code: of a post's media, of a quoted post, or of something that is no post."""
        post = seen.post
        codes = [post.code] if post.code else []
        codes += [part.rpartition("/")[2] for part in post.text.split() if part.startswith("https://t.co/")]
        if not codes:
            code = self.world.code("S" + post.id[-9:], of(post, seen.handle).url)
            if code not in self.key.redirects:
                self.fate_of_code(code, post)
            codes = [code]
        code = self.rng.choice(codes)
        target = self.world.codes[code]
        found = [id for id in (target.split("/status/")[-1].split("/")[0],) if id in self.world.posts]
        truth = self.world.posts[found[0]] if found else None
        troubles = frozenset() if truth else frozenset({"leads to no post"})
        return "bare t.co link", short(seen, code), truth, troubles

    def page(
        self,
        number: int,
        location: str,
        parts: Iterable[tuple[str, tuple[str, Block, Post | None, frozenset[str]] | None]],
        *,
        is_html: bool,
    ) -> Page:
        rng = self.rng
        text = "<!DOCTYPE html>\n<html><head><title>Report</title></head><body><article>\n" if is_html else ""
        for prose, shown in parts:
            if shown is None:
                text += f"<p>{prose}</p>\n" if is_html else f"{prose}\n\n"
                continue
            kind, block, truth, troubles = shown
            piece = block.text
            if is_html and (block.said is not None or block.code is not None) and not piece.startswith("<"):
                piece = (
                    f'<p>See <a href="{piece}">here</a>.</p>'
                    if block.code
                    else f"<p>{html.escape(piece, quote=False).replace(chr(10), '<br>')}</p>"
                )
            elif not is_html and block.said is not None and rng.random() < 0.15 and text:
                # Everything on one line with the paragraph before.
                text = text.rstrip("\n") + " "
                troubles |= {"on one line with the article"}
            start = len(text)
            text += piece
            self.shown(number, (start, len(text)), kind, block, truth, troubles)
            text += "\n" if is_html else "\n\n"
        if is_html:
            text += '<a href="https://twitter.com/intent/tweet?text=x">Share</a></article></body></html>\n'
        return Page(location, "text/html" if is_html else "text/plain", text)

    def shown(
        self, number: int, span: tuple[int, int], kind: str, block: Block, truth: Post | None, troubles: frozenset[str]
    ) -> None:
        codes = (
            [block.code] if block.code else list(block.said.pic_codes + block.said.other_codes) if block.said else []
        )
        troubles |= {tag for code in codes for tag in self.tags.get(code, ())}
        for code in codes:
            state = self.world.code_state(code)
            if state is not Code.LIVE:
                kept = ", its redirect archived" if code in self.key.redirects else ""
                troubles |= {f"code {state.value}{kept}"}
        shown = Shown(
            number,
            *span,
            kind,
            truth.id if truth else None,
            block.has_id,
            block.said,
            block.code,
            troubles | self.standing(truth),
        )
        self.key.shown.append(shown)

    def standing(self, post: Post | None) -> frozenset[str]:
        """How the post stands today, and whether the archive can show it."""
        if post is None:
            return frozenset()
        state = self.world.state(post)
        is_indexed = any(post.id in posts for posts in self.key.indexed.values())
        kept = "archived" if self.key.is_kept(post.id) else "shells archived" if is_indexed else "not archived"
        return frozenset({f"post {state.value}, {kept}"})

    # --- trouble on the way ---

    def disturb(self) -> None:
        """Hosts that fail for a while: the first answers about some codes and handles are none, or refusals."""
        rng, world = self.rng, self.world
        codes = [code for shown in self.key.shown if shown.said for code in shown.said.pic_codes]
        handles = [shown.said.handle for shown in self.key.shown if shown.said]
        ids = [shown.truth for shown in self.key.shown if shown.has_id]
        world.trouble("t.co", path=f"^/{rng.choice(codes)}$", status=503, times=1)
        world.trouble("t.co", path=f"^/{rng.choice(codes)}$", wire=Wire.DROPPED, times=1)
        world.trouble("web.archive.org", path=f"^/cdx/.*{rng.choice(handles)}", status=503, times=1)
        world.trouble("web.archive.org", path=f"^/web/.*{rng.choice(handles)}", wire=Wire.RESET, times=1)
        world.trouble("cdn.syndication.twimg.com", path=f"id={rng.choice(ids)}", status=429, times=1)


def _bare(text: str) -> str:
    return " ".join(part for part in text.split(" ") if "https://t.co/" not in part)


def generate(seed: int, *, posts: int, articles: int) -> Key:
    """A world and its key. Equal seeds and sizes make equal worlds."""
    maker = _Maker(seed, posts, articles)
    maker.populate()
    maker.befall()
    maker.capture()
    maker.write()
    maker.disturb()
    return maker.key
