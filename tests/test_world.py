"""A small generated world through the real path, and the key that judges it.

The full size (`make world`) has the same shape; docs/resolution.md has its figures.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections import Counter

import pytest

from archiver.articles import embeds
from archiver.model import Reason, State
from tests.simulator.world import Post, photo
from tests.world.embeds import Loss
from tests.world.figures import Figures, Verdict, judge, report
from tests.world.generate import NOW, generate
from tests.world.key import Key, Said, Shown
from tests.world.run import run
from tests.world.web import LargeWorld


@pytest.fixture(scope="module")
def figures() -> Figures:
    key = generate(11, posts=400, articles=70)
    return judge(key, asyncio.run(run(key)))


def test_every_embed_ends_in_one_state_with_a_reason_and_totals_add_up(figures: Figures) -> None:
    said, found = figures.outcome.report, figures.outcome.found
    assert Counter(each.state for each in found) == said["states"]
    assert sum(said["states"].values()) == len(found)
    assert all(each.state in set(State) and each.reason in set(Reason) for each in found)
    assert all(sum(said["reasons"][state].values()) == count for state, count in said["states"].items())


def test_no_post_is_taken_for_another_and_hardly_any_is_missed(figures: Figures) -> None:
    assert figures.wrong == ()
    assert figures.missed == ()


@pytest.mark.slow
def test_no_post_of_a_larger_world_is_taken_for_another() -> None:
    key = generate(12, posts=1600, articles=400)
    figures = judge(key, asyncio.run(run(key)))
    assert figures.wrong == ()
    assert figures.identified >= 0.99


def test_nothing_is_found_where_there_is_no_embed(figures: Figures) -> None:
    assert figures.spurious == ()


def test_an_id_in_a_url_is_never_missed_nor_mistaken(figures: Figures) -> None:
    links = [each for each in figures.judged if each.shown.kind.startswith("blockquote") and each.shown.has_id]
    assert len(links) > 8
    assert all({found.post for found in each.found} == {each.shown.truth} for each in links)


def test_a_short_link_that_names_nobody_is_followed_or_left_open(figures: Figures) -> None:
    """Among them codes that are dead, that lead to no post, and that another code equals but for case."""
    bare = [each for each in figures.judged if each.shown.kind == "bare t.co link"]
    assert {each.verdict for each in bare} <= {Verdict.RIGHT, Verdict.BEYOND, Verdict.OPEN}
    assert Verdict.RIGHT in {each.verdict for each in bare}
    assert Verdict.OPEN in {each.verdict for each in bare}


def test_the_figures_count_every_embed_once(figures: Figures) -> None:
    assert len(figures.judged) == len(figures.key.shown)
    assert f"| {len(figures.judged)} |" in " ".join(report([figures]).split("\n")[2].split())


def test_equal_seeds_make_equal_worlds() -> None:
    one, two, other = (generate(seed, posts=300, articles=40) for seed in (5, 5, 6))
    assert one.pages == two.pages != other.pages
    assert [dataclasses.replace(each, said=None) for each in one.shown] == [
        dataclasses.replace(each, said=None) for each in two.shown
    ]
    assert one.world.mementos == two.world.mementos


def test_a_world_at_this_size_answers_as_a_small_one_does() -> None:
    """The index by key changes no answer."""
    key = generate(3, posts=300, articles=20)
    plain = super(LargeWorld, key.world)
    handle = key.world.mementos[0].url.split("/")[3]
    from tests.simulator.exchange import Request

    for url in (
        f"https://web.archive.org/cdx/search/cdx?url=twitter.com/{handle}/status/*&output=json&collapse=urlkey",
        f"https://web.archive.org/cdx/search/cdx?url=twitter.com/{handle}/status/1&matchType=prefix",
        "https://web.archive.org/cdx/search/cdx?url=t.co/*&limit=5",
        f"https://web.archive.org/web/{key.world.mementos[0].timestamp}id_/{key.world.mementos[0].url}",
        f"https://web.archive.org/web/2020/{key.world.mementos[3].url}",
        f"https://web.archive.org/web/timemap/link/{key.world.mementos[5].url}",
    ):
        assert key.world.respond(Request.get(url)) == plain.respond(Request.get(url)), url


# --- the key itself -------------------------------------------------------------------------------------------------

DAY = dt.date(2024, 5, 3)


@pytest.fixture
def key() -> Key:
    world = LargeWorld()
    world.clock.set(NOW)
    return Key(0, world)


def shown(post: Post, codes: str = "pic", *, day: dt.date = DAY, handle: str | None = None) -> Shown:
    loss = Loss(codes)
    pics = (post.code,) if post.code and codes == "pic" else ()
    said = Said(handle or post.account.handle, day, loss(post), loss, pics)
    return Shown(0, 0, 1, "flattened", post.id, False, said)


def indexed(key: Key, post: Post, *, readable: bool = True) -> None:
    key.indexed[post.account.handle.lower()].add(post.id)
    if readable:
        key.readable[post.account.handle.lower()].add(post.id)


def test_a_live_code_of_the_named_owner_suffices(key: Key) -> None:
    post = key.world.post("harbourwatch", "A crane came down this morning", DAY, [photo()])
    assert key.suffices(shown(post))
    assert not key.suffices(shown(post, day=dt.date(2024, 6, 3)))
    assert not key.suffices(shown(post, handle="somebody"))
    assert not key.suffices(shown(post, "none"))


def test_a_code_of_another_authors_media_does_not(key: Key) -> None:
    first = key.world.post("harbourwatch", "A crane came down this morning", DAY, [photo()])
    again = key.world.post("portnews", "See this, of all things, today", DAY, media_of=first)
    assert not key.suffices(shown(again))
    indexed(key, again, readable=False)
    assert key.suffices(shown(again)), "the index has its id, and it is live"
    key.world.delete(again)
    key._seen.clear()
    assert not key.suffices(shown(again)), "nobody can read it any more"


def test_a_dead_code_suffices_where_its_own_redirect_is_archived(key: Key) -> None:
    post = key.world.post("harbourwatch", "A crane came down this morning", DAY, [photo()], code="AbCdEf1234")
    key.world.kill("AbCdEf1234")
    key.redirects["aBcDeF1234"] = key.world.codes["AbCdEf1234"]
    assert not key.suffices(shown(post)), "a code of another case is another code"
    key.redirects["AbCdEf1234"] = key.world.codes["AbCdEf1234"]
    assert key.suffices(shown(post))


def test_equal_words_of_one_day_do_not_suffice(key: Key) -> None:
    one = key.world.post("harbourwatch", "Ferry delayed again this morning", dt.datetime(2024, 5, 3, 8, tzinfo=dt.UTC))
    two = key.world.post("harbourwatch", "Ferry delayed again this morning", dt.datetime(2024, 5, 3, 9, tzinfo=dt.UTC))
    indexed(key, one)
    assert key.suffices(shown(one, "none"))
    assert key.misleads(shown(two, "none")), "only the other one can be found: nobody could tell"
    indexed(key, two)
    assert not key.suffices(shown(one, "none"))


def test_own_media_shown_again_need_the_words(key: Key) -> None:
    first = key.world.post("harbourwatch", "Storm over the pier, 3 hurt", DAY, [photo()])
    again = key.world.post("harbourwatch", "Storm over the pier, 4 hurt", DAY, media_of=first)
    assert not key.suffices(shown(again))
    assert not key.misleads(shown(again)), "its words differ, and can be seen to"
    indexed(key, again)
    assert key.suffices(shown(again))


def test_emoji_lost_to_question_marks_make_two_posts_alike(key: Key) -> None:
    red = key.world.post("harbourwatch", "🔴 Ferry delayed again this morning", DAY)
    green = key.world.post("harbourwatch", "🟢 Ferry delayed again this morning", DAY)
    indexed(key, red)
    indexed(key, green)
    lossy = Loss("none", emoji=True)
    claim = Said("harbourwatch", DAY, lossy(red), lossy)
    assert claim.shown == "?? Ferry delayed again this morning"
    assert not key.suffices(Shown(0, 0, 1, "flattened", red.id, False, claim))
    assert key.suffices(shown(red, "none"))


def test_the_generator_makes_what_the_extractor_can_place() -> None:
    """Every block of every page stands where the key says."""
    key = generate(4, posts=300, articles=60)
    for page, each in ((key.pages[each.article], each) for each in key.shown):
        assert 0 <= each.start < each.end <= len(page.text)
    number = next(each.article for each in key.shown if each.kind == "blockquote")
    assert embeds(key.pages[number].text.encode(), media_type="text/html")
