"""A web with a bit of everything, for trying things by hand and for tests that want volume."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tests.simulator import media as films
from tests.simulator.founding import ANTON, NOEL, Founding, founding
from tests.simulator.world import Medium, Post, World, gif, photo, video

_WORDS = {
    "en": "harbour crane morning ferry council bridge market tide warden lantern signal rope gull pier",
    "de": "Hafen Kran Morgen Fähre Rat Brücke Markt Flut Wärter Laterne Signal Seil Möwe Steg",
    "uk": "гавань кран ранок пором рада міст ринок приплив ліхтар сигнал канат чайка пристань",
    "ar": "ميناء رافعة صباح عبارة مجلس جسر سوق مد فانوس إشارة حبل نورس رصيف",
    "ja": "港 クレーン 朝 渡し船 議会 橋 市場 潮 灯り 合図 綱 鴎 桟橋",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The posts of `scene`, each named for what it shows."""

    founding: Founding
    deleted: Post
    suspended: Post
    protected: Post
    withheld: Post
    edited: Post
    thread: tuple[Post, ...]


def scene(world: World, noel_text: str = NOEL, anton_text: str = ANTON) -> Scene:
    """The founding posts, and one post in each state; the deleted one survives in the Wayback Machine."""
    day = dt.datetime(2024, 5, 3, 9, 30, tzinfo=dt.UTC)
    posts = founding(world, noel_text, anton_text)
    deleted = world.post("harbourwatch", "The old crane came down this morning. #harbour", day, [photo()])
    world.archive(deleted, day + dt.timedelta(days=1), "v1")
    world.archive(deleted, day + dt.timedelta(days=400), "absent")
    world.archive_media(deleted, day + dt.timedelta(days=1))
    assert deleted.code is not None
    world.archive_code(deleted.code, day + dt.timedelta(days=1))
    world.delete(deleted, day + dt.timedelta(days=300))
    suspended = world.post("loudgull", "You would not believe what the gulls did", day, [gif()])
    world.suspend("loudgull", day + dt.timedelta(days=2))
    protected = world.post("quietpier", "A quiet evening at the pier", day)
    world.protect("quietpier", day + dt.timedelta(days=2))
    withheld = world.post("portcourt", "The ruling, in full", day)
    world.withhold(withheld, day + dt.timedelta(days=2))
    first = world.post("ferrytimes", "Ferry at 10:15", day)
    edited = world.edit(first, "Ferry at 10:45", day + dt.timedelta(minutes=20))
    opener = world.post("dockside", "A thread about lanterns", day)
    reply = world.post("dockside", "First: they burn oil", day + dt.timedelta(minutes=1), reply_to=opener)
    quote = world.post("harbourwatch", "Worth reading", day + dt.timedelta(hours=1), [video()], quotes=opener)
    return Scene(posts, deleted, suspended, protected, withheld, edited, (opener, reply, quote))


def populate(world: World, posts: int, *, accounts: int = 20, since: dt.datetime | None = None) -> tuple[Post, ...]:
    """That many posts of seeded words, languages, media and times, over the 700 days after `since`."""
    since = since or dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    made = []
    for number in range(posts):
        seed = films.digest(world.seed, "populate", number)
        lang = list(_WORDS)[seed[0] % len(_WORDS)]
        words = _WORDS[lang].split()
        text = " ".join(words[seed[i] % len(words)] for i in range(1, 4 + seed[1] % 20))
        at = since + dt.timedelta(seconds=int.from_bytes(seed[24:28], "big") % (700 * 86400))
        kinds: tuple[tuple[Medium, ...], ...] = ((), (), (photo(640, 480),), (video(320, 180, 1.0),), (gif(160, 120),))
        handle = f"account_{seed[30] % accounts}"
        made.append(world.post(handle, f"{text} {number}", at, kinds[seed[31] % len(kinds)], lang=lang))
    return tuple(made)
