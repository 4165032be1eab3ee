"""X's sources and ladder against a web that somebody else wrote from the same facts; no socket is opened."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Generator
from typing import Any

import pytest
from drive import capture

from archiver.model import Claim, Finding, Outcome, PostRef, Reason, Request, Resolution
from archiver.platforms.twitter import sources
from archiver.platforms.twitter.ladder import resolve
from tests.simulator import exchange
from tests.simulator.world import Post, Uncertain, World, gif, photo, video

SOURCES = {each.name: each for each in sources.SOURCES}
LIVE = ("syndication", "oembed", "fxtwitter", "vxtwitter", "api-v2")
MADE = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
KEPT = dt.datetime(2024, 8, 9, 1, 2, 3, tzinfo=dt.UTC)
TEXT = "A new video from the road near the border, taken by a driver who is trying to leave the area."


@pytest.fixture
def world() -> World:
    return World()


def run(look: Generator[Request, Any, Any], world: World) -> Any:
    """Drive a look-up through the world, following redirects as often as each request allows."""
    try:
        request = next(look)
        while True:
            url, hops = request.url, request.follow
            headers = {"authorization": "Bearer simulated-bearer"} if request.secret else {}
            while True:
                answer = world.answer(exchange.Request.of(request.method, url, headers))
                to = answer.header("location")
                if not (to and hops and answer.status in {301, 302, 303, 307, 308}):
                    break
                url, hops = to, hops - 1
            request = look.send(capture(url, answer.payload, answer.status, dict(answer.headers), world.clock.now))
    except StopIteration as end:
        return end.value


def found(world: World, source: str, post: Post, handle: str | None = None) -> Finding:
    return run(SOURCES[source].look(PostRef("twitter", post.id), Claim(handle=handle or post.account.handle)), world)


def resolved(world: World, claim: Claim) -> Resolution:
    return run(resolve(claim, None), world)


def claimed(post: Post, *, text: bool = True, pics: bool = True) -> Claim:
    codes = (post.code,) if post.code and pics else ()
    return Claim(post.account.handle, None, post.created_at.date(), post.text if text else None, codes, codes)


# --- sources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in LIVE if name != "oembed"])
def test_every_live_source_shows_the_same_post(world, name):
    quoted = world.post("other", "What was said before.", MADE - dt.timedelta(hours=3))
    post = world.post(
        "reporter", "Fish & chips <today>.", MADE, [photo(alt="a plate"), video(), gif()], quotes=quoted, lang="en"
    )
    shown = found(world, name, post).post
    assert (shown.ref.id, shown.author.handle, shown.quotes) == (post.id, "reporter", PostRef("twitter", quoted.id))
    assert shown.created_at == post.created_at
    assert "Fish & chips <today>." in shown.text and "t.co" not in shown.text
    assert [each.kind for each in shown.media] == ["photo", "video", "gif"]
    assert [shown.media[0].key, shown.media[2].key] == [post.media[0].key, post.media[2].key]
    assert shown.media[1].key in post.media[1].best.url
    assert shown.media[0].urls[0].startswith(post.media[0].url.rsplit(".", 1)[0])
    assert shown.media[1].urls[0].split("?")[0] == post.media[1].best.url.split("?")[0]


def test_oembed_shows_the_text_and_the_day(world):
    post = world.post("reporter", "Fish & chips <today>.", MADE, [photo()])
    shown = found(world, "oembed", post).post
    assert (shown.text, shown.created_on, shown.media) == ("Fish & chips <today>.", MADE.date(), ())


def test_the_syndication_token_is_the_one_expected(world):
    found(world, "syndication", world.post("reporter", "Hello.", MADE))
    assert world.warnings == []


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize(
    "uncertain",
    [
        {},
        {"deleted": "tombstone", "suspended": "userless", "withheld": "empty", "age_restricted": "empty"},
        {"deleted": "empty", "age_restricted": "empty-tombstone", "oembed_suspended": 404, "vx_missing": 404},
    ],
)
def test_no_live_source_shows_a_post_that_is_not_public_or_calls_it_deleted_without_saying_so(world, name, uncertain):
    """Whichever way the unknown answers turn out."""
    world.uncertain = dataclasses.replace(Uncertain(), **uncertain)
    posts = {what: world.post(what, f"Said by {what}.", MADE) for what in ("deleted", "suspended", "protected")}
    world.delete(posts["deleted"])
    world.suspend("suspended")
    world.protect("protected")
    for what, post in posts.items():
        answer = found(world, name, post)
        assert answer.post is None, what
        if answer.reason is Reason.DELETED:
            assert what == "deleted"
        if answer.reason is Reason.PROTECTED:
            assert what == "protected" or name == "oembed"
        assert answer.outcome in {Outcome.GONE, Outcome.HIDDEN, Outcome.ABSENT, Outcome.UNKNOWN, Outcome.REFUSED}


@pytest.mark.parametrize("withheld", ["empty-tombstone", "empty"])
def test_a_withheld_post_is_never_called_deleted(world, withheld):
    world.uncertain = dataclasses.replace(Uncertain(), withheld=withheld)
    post = world.post("reporter", "Withheld here.", MADE)
    world.withhold(post)
    assert found(world, "syndication", post).outcome in {Outcome.UNKNOWN, Outcome.HIDDEN}


def test_a_note_is_whole_where_a_source_has_it_and_marked_where_none_has(world):
    post = world.post("reporter", "word " * 100 + "end.", MADE)
    assert found(world, "syndication", post).post.is_truncated
    whole = found(world, "api-v2", post).post
    assert whole.text.endswith("end.") and not whole.is_truncated


@pytest.mark.parametrize("form", ["v1", "v2", "old", "microdata"])
def test_the_archive_shows_a_deleted_post_in_every_form_it_was_kept_in(world, form):
    post = world.post("Reporter", "Fish & chips, for everybody.", MADE, [photo()])
    world.archive(post, KEPT, form)
    world.delete(post)
    answer = found(world, "wayback", post, "reporter")
    assert (answer.outcome, answer.observed_at) == (Outcome.FOUND, KEPT)
    assert answer.post.author.handle == "Reporter" and answer.post.created_at == post.created_at
    if form == "microdata":  # nothing there tells a link to media from any other
        assert answer.post.text == f"Fish & chips, for everybody. https://t.co/{post.code}"
    else:
        assert answer.post.text == "Fish & chips, for everybody."
        assert [each.key for each in answer.post.media] == [post.media[0].key]


@pytest.mark.parametrize("form", ["shell", "login", "absent", "refused"])
def test_the_archives_other_captures_decide_nothing(world, form):
    post = world.post("reporter", "Fish and chips.", MADE)
    world.archive(post, KEPT, form)
    assert found(world, "wayback", post).outcome is Outcome.UNKNOWN


def test_json_is_found_behind_a_shell_and_at_the_other_host(world):
    post = world.post("reporter", "Fish and chips.", MADE)
    world.archive(post, KEPT, "shell")
    world.archive(post, KEPT, "v2", f"https://x.com{post.path}")
    assert found(world, "wayback", post).post.text == "Fish and chips."


def test_archived_pictures_answer_where_live_ones_are_gone(world):
    """One of the URLs offered is answered with the very bytes, in the order in which they are offered."""
    post = world.post("reporter", "A picture.", MADE, [photo()])
    world.archive(post, KEPT, "v1")
    world.archive_media(post, KEPT)
    world.delete(post)
    (picture,) = found(world, "wayback", post).post.media
    for url in picture.urls:
        answer = world.answer(exchange.Request.get(url))
        if answer.status == 200:
            break
    assert answer.status == 200 and answer.payload == post.media[0].bytes()
    assert url.startswith("https://web.archive.org/web/")


def test_an_excluded_site_is_a_refusal(world):
    post = world.post("reporter", "Fish and chips.", MADE)
    world.archive(post, KEPT, "v1")
    world.exclude("twitter.com/reporter")
    answer = found(world, "wayback", post)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, Reason.BLOCKED)


# --- the ladder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agents", ["redirect", "html"])
def test_a_pic_code_leads_to_its_post(world, agents):
    world.uncertain = dataclasses.replace(Uncertain(), other_agents=agents)
    post = world.post("reporter", TEXT, MADE, [video()])
    answer = resolved(world, claimed(post))
    assert (answer.ref.id, answer.rung) == (post.id, "pic-code")


def test_media_used_again_by_another_author_do_not_mislead(world):
    first = world.post("clips", "Watch this before it goes.", MADE, [video()])
    again = world.post("reporter", TEXT, MADE + dt.timedelta(minutes=2), media_of=first)
    answer = resolved(world, claimed(again))
    assert (answer.ref, answer.reason) == (None, Reason.OWNER_DIFFERS)
    world.archive(again, KEPT, "v1")
    assert resolved(world, claimed(again)).ref.id == again.id


def test_media_used_again_by_the_same_author_do_not_mislead(world):
    first = world.post("reporter", "Watch this before it goes.", MADE, [video()])
    again = world.post("reporter", TEXT, MADE + dt.timedelta(minutes=2), media_of=first)
    answer = resolved(world, claimed(again))
    assert answer.ref is None and [each.ref.id for each in answer.candidates] == [first.id]


@pytest.mark.parametrize("dead", [404, 410, 200])
def test_a_dead_code_is_followed_as_archived(world, dead):
    world.uncertain = dataclasses.replace(Uncertain(), dead_code=dead)
    post = world.post("reporter", TEXT, MADE, [photo()])
    world.archive_code(post.code, KEPT)
    world.delete(post)
    world.kill(post.code)
    answer = resolved(world, claimed(post))
    assert (answer.ref.id, answer.rung) == (post.id, "archived-pic-code")


def test_a_flagged_link_is_seen_through(world):
    post = world.post("reporter", TEXT, MADE, [photo()])
    world.flag(post.code)
    assert resolved(world, claimed(post)).ref.id == post.id


@pytest.mark.parametrize("form", ["v1", "v2", "old", "microdata"])
@pytest.mark.parametrize("where", ["https://twitter.com", "https://x.com", "https://mobile.twitter.com"])
def test_a_deleted_post_is_found_by_author_day_and_text(world, form, where):
    post = world.post("reporter", TEXT, MADE)
    other = world.post("reporter", "Good morning to all who read this so early.", MADE - dt.timedelta(hours=4))
    for each in (post, other):
        world.archive(each, KEPT, form, where + each.path)
        world.delete(each)
    answer = resolved(world, claimed(post))
    assert (answer.ref.id, answer.rung) == (post.id, "handle+date+text")
    queries = [each for each in world.log if each.request.path.startswith("/cdx/")]
    assert len(queries) <= 12 + 2


def test_an_author_who_repeats_a_text_is_ambiguous(world):
    posts = [world.post("reporter", TEXT, MADE + dt.timedelta(hours=hours)) for hours in (0, 5)]
    for each in posts:
        world.archive(each, KEPT, "v1")
        world.delete(each)
    answer = resolved(world, claimed(posts[0]))
    assert (answer.ref, answer.reason) == (None, Reason.AMBIGUOUS)
    assert {each.ref.id for each in answer.candidates} == {each.id for each in posts}


def test_a_renamed_author_is_recognised_by_a_living_post(world):
    post = world.post("oldname", TEXT, MADE, [photo()])
    world.rename("oldname", "newname")
    claim = dataclasses.replace(claimed(post), handle="newname")
    assert resolved(world, claim).ref.id == post.id


def test_an_outbound_link_leads_to_no_post(world):
    world.page("https://news.example.org/a", "<html>news</html>")
    world.code("Outbound01", "https://news.example.org/a")
    answer = resolved(world, Claim("reporter", None, MADE.date(), TEXT, ("Outbound01",), ()))
    assert (answer.ref, answer.reason, answer.candidates) == (None, Reason.LINK_ELSEWHERE, ())


def test_a_post_that_x_shows_to_nobody_without_an_account_is_read_at_a_relay(world):
    """Its archived captures are shells; only the relay tells which of the author's posts has the words."""
    at = world.clock.now - dt.timedelta(days=3)
    text = "The bridge over the river is closed until further notice, says the harbour."
    post = world.post("reporter", text, created_at=at)
    world.archive(post, world.clock.now, "shell")
    world.restrict(post, world.clock.now)
    found = resolved(world, claimed(post))
    assert found.ref is not None and found.ref.id == post.id
    assert any(line.request.host == "api.fxtwitter.com" for line in world.log)
