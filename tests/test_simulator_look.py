"""Our own look-ups and the simulated web understand each other: every source, every state, every archived form."""

from __future__ import annotations

import datetime as dt

import pytest

from archiver.model import Claim, Outcome, PostRef
from archiver.platforms.twitter import PLATFORM
from tests.simulator import Uncertain, gif, photo, video
from tests.simulator.founding import founding
from tests.simulator.look import look

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
SOURCES = {source.name: source for source in PLATFORM.sources()}


@pytest.fixture
def post(world):
    return world.post(
        "HarbourWatch",
        "Crane <3> & 😀 seen by @dockside #harbour https://news.example/crane",
        AT,
        [photo(alt="a crane"), video(), gif()],
        name="Harbour Watch 🏗",
    )


def found(world, name, post):
    claim = Claim(handle=post.account.handle, date=post.created_at.date())
    source = SOURCES[name]
    secrets = {source.needs: "simulated-bearer"} if source.needs else None
    return look(world, source.look(PostRef("twitter", post.id), claim), secrets)


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "wayback"])
def test_every_live_source_reads_the_post_as_it_was_written(world, post, name):
    finding = found(world, name, post)
    assert finding.outcome is Outcome.FOUND
    read = finding.post
    assert (read.author.handle, read.author.name) == ("HarbourWatch", "Harbour Watch 🏗")
    assert read.text.startswith("Crane <3> & 😀 seen by @dockside #harbour ")
    assert f"t.co/{post.code}" not in read.text
    assert (read.created_at or read.created_on) in (AT, AT.date())
    if SOURCES[name].is_whole:
        assert [medium.kind for medium in read.media] == ["photo", "video", "gif"]
        for medium, true in zip(read.media, post.media, strict=True):
            assert world.get(medium.urls[0]).body == true.bytes()


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "wayback"])
@pytest.mark.parametrize("fate", ["delete", "suspend", "protect", "withhold", "restrict"])
@pytest.mark.parametrize(
    "uncertain",
    [
        Uncertain(),
        Uncertain(
            deleted="tombstone",
            suspended="userless",
            withheld="empty",
            age_restricted="empty",
            oembed_suspended=404,
            vx_missing=404,
        ),
        Uncertain(deleted="empty", age_restricted="empty-tombstone"),
    ],
    ids=["usual", "other", "third"],
)
def test_no_source_shows_what_it_should_not_or_stumbles(world, post, name, fate, uncertain):
    """Whatever of the uncertain ways a host takes, a look-up ends with a finding and without a whole post; a relay
    may go on showing what X shows only to those who log in."""
    world.uncertain = uncertain
    getattr(world, fate)("HarbourWatch" if fate in ("suspend", "protect") else post)
    finding = found(world, name, post)
    assert finding.outcome is not Outcome.UNREADABLE
    is_shown_elsewhere = fate == "restrict" or (fate == "suspend" and uncertain.suspended == "userless")
    assert is_shown_elsewhere or finding.post is None


@pytest.mark.parametrize("form", ["v1", "v2", "old", "microdata"])
def test_the_archive_is_read_in_every_form(world, post, form):
    world.archive(post, AT + dt.timedelta(days=1), form)
    world.delete(post)
    finding = found(world, "wayback", post)
    assert finding.outcome is Outcome.FOUND
    assert finding.post.author.handle.lower() == "harbourwatch"
    assert finding.post.text.startswith("Crane <3> & 😀 seen by @dockside #harbour")
    assert finding.observed_at == AT + dt.timedelta(days=1)


@pytest.mark.parametrize("form", ["shell", "login", "absent", "refused"])
def test_captures_that_show_no_post_are_not_taken_for_one(world, post, form):
    world.archive(post, AT + dt.timedelta(days=1), form)
    finding = found(world, "wayback", post)
    assert finding.post is None
    assert finding.outcome not in (Outcome.FOUND, Outcome.GONE)


@pytest.mark.parametrize("pic_host", ["status", "tco", "absent"])
def test_the_ladder_leads_from_the_articles_codes_to_both_posts(world, pic_host):
    world.uncertain = Uncertain(pic_host=pic_host)
    posts = founding(world)
    for post, codes, pic in (
        (posts.noel, ("fwutN0Bakg",), ("fwutN0Bakg",)),
        (posts.anton, ("KF0irzUiL7", "Axt42DqdzE"), ("Axt42DqdzE",)),
    ):
        claim = Claim(handle=post.account.handle, date=AT.date(), codes=codes, pic_codes=pic)
        assert look(world, PLATFORM.resolve(claim, None)).ref == PostRef("twitter", post.id)
