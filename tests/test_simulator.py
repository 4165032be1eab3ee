"""The simulated X behaves as PLATFORMS.md says the real one does."""

from __future__ import annotations

import datetime as dt
import io
import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest
from PIL import Image

from tests.simulator import Response, State, Wire, World, gif, photo, video
from tests.simulator.client import client
from tests.simulator.founding import founding, texts
from tests.simulator.hosts.syndication import token
from tests.simulator.hosts.x import guest_token
from tests.simulator.scene import populate, scene
from tests.simulator.world import snowflake_time

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
DAY = dt.date(2024, 8, 7)
SYNDICATION = "https://cdn.syndication.twimg.com/tweet-result?id={id}&lang=en&token={token}"


@pytest.fixture
def pictured(world):
    """A post with two pictures, an emoji, markup characters, a mention, a hashtag and a link."""
    return world.post(
        "harbourwatch",
        "Crane <3> & 😀 seen by @dockside #harbour https://news.example/crane",
        dt.datetime(2024, 8, 7, 10, 20, 30, tzinfo=dt.UTC),
        [photo(1600, 900, alt="a crane"), photo(640, 480, "png")],
    )


def syndicated(world, post):
    return world.get(SYNDICATION.format(id=post.id, token=token(post.id)))


# --- ids and time ---------------------------------------------------------------------------------------------------


def test_an_id_carries_the_second_its_post_was_made(world, pictured):
    assert snowflake_time(pictured.id).replace(microsecond=0) == pictured.created_at


def test_an_id_that_contradicts_its_time_is_refused(world, pictured):
    with pytest.raises(ValueError, match="was made at"):
        world.post("harbourwatch", "later", dt.date(2024, 8, 9), id=pictured.id)


def test_two_worlds_built_alike_answer_alike_to_the_byte():
    first, second = World(seed=5), World(seed=5)
    for each in (first, second):
        founding(each)
    urls = [SYNDICATION.format(id=post.id, token=token(post.id)) for post in first.posts.values()]
    urls += [medium.url for post in first.posts.values() for medium in post.media if medium.kind == "photo"]
    assert [first.get(url).body for url in urls] == [second.get(url).body for url in urls]
    assert World(seed=6).id_at(first.clock.now) != first.id_at(first.clock.now)


def test_a_post_is_not_there_before_it_is_made(world):
    soon = world.post("harbourwatch", "soon", world.clock.now + dt.timedelta(hours=1))
    assert syndicated(world, soon).status == 404
    world.clock.advance(hours=2)
    assert syndicated(world, soon).status == 200


def test_the_token_is_javascripts_own():
    """Vectors made with Node (PLATFORMS.md 3.2)."""
    assert [token(id) for id in ("20", "463440424141459456", "1349129669258448897", "1820917034519122161")] == [
        "6dq1a2xwd93",
        "14fxvks611f",
        "39qeyy97t9x",
        "4ewkv4t82em",
    ]


def test_a_post_older_than_snowflakes_keeps_its_number(world):
    post = world.post("early", "first", dt.datetime(2006, 3, 21, 20, 50, 14, tzinfo=dt.UTC), id="20")
    assert syndicated(world, post).json()["id_str"] == "20"
    with pytest.raises(ValueError, match="before snowflakes"):
        world.post("early", "second", dt.date(2007, 1, 1))


# --- short links ----------------------------------------------------------------------------------------------------


def test_tco_redirects_curl_and_shows_browsers_a_page(world, pictured):
    target = f"https://x.com/harbourwatch/status/{pictured.id}/photo/1"
    moved = world.get(f"https://t.co/{pictured.code}", user_agent="curl/8.5.0")
    shown = world.get(f"https://t.co/{pictured.code}", user_agent=BROWSER)
    assert (moved.status, moved.header("location")) == (301, target)
    assert shown.status == 200
    assert f'content="0;URL={target}"' in shown.text
    assert 'location.replace("https:\\/\\/x.com' in shown.text


def test_tco_codes_are_case_sensitive(world, pictured):
    assert world.get(f"https://t.co/{pictured.code.swapcase()}", user_agent="curl").status == 404


def test_a_flagged_code_leads_to_the_warning_page(world):
    world.code("Bad0000000", "https://evil.example/?a=b")
    world.flag("Bad0000000")
    location = world.get("https://t.co/Bad0000000", user_agent="curl").header("location")
    assert location == (
        "https://twitter.com/safety/unsafe_link_warning?unsafe_link=https%3A%2F%2Fevil.example%2F%3Fa%3Db"
    )


def test_a_reused_medium_leads_to_the_post_that_first_showed_it(world, pictured):
    again = world.post("dockside", "look", dt.date(2024, 8, 8), media_of=pictured)
    location = world.get(f"https://t.co/{again.code}", user_agent="curl").header("location")
    assert location == f"https://x.com/harbourwatch/status/{pictured.id}/photo/1"
    assert syndicated(world, again).json()["mediaDetails"][0]["expanded_url"] == location


# --- syndication ----------------------------------------------------------------------------------------------------


def test_syndication_shows_the_post_escaped_with_places_that_fit(world, pictured):
    shown = syndicated(world, pictured).json()
    text = shown["text"]
    assert text.startswith("Crane &lt;3&gt; &amp; 😀 seen by @dockside #harbour https://t.co/")
    assert shown["created_at"] == "2024-08-07T10:20:30.000Z"
    for name, key in (("urls", "url"), ("media", "url")):
        for entity in shown["entities"][name]:
            assert text[slice(*entity["indices"])] == entity[key]
    (mention,) = shown["entities"]["user_mentions"]
    assert text[slice(*mention["indices"])] == "@dockside"
    # This range alone counts UTF-16 units: the emoji is two.
    assert shown["display_text_range"][1] == shown["entities"]["media"][0]["indices"][0]
    assert [detail["type"] for detail in shown["mediaDetails"]] == ["photo", "photo"]


def test_syndication_without_a_token_says_nothing(world, pictured):
    answer = world.get(f"https://cdn.syndication.twimg.com/tweet-result?id={pictured.id}")
    assert (answer.status, answer.json()) == (200, {})


def test_a_wrong_token_is_accepted_and_noted(world, pictured):
    assert world.get(SYNDICATION.format(id=pictured.id, token="0")).json()["id_str"] == pictured.id
    assert "token" in world.warnings[0]


@pytest.mark.parametrize("id", ["", "abc", "99999999999999999999999", "-5"])
def test_a_bad_id_is_a_bad_request(world, id):
    answer = world.get(SYNDICATION.format(id=id, token="x"))
    assert (answer.status, answer.json()) == (400, {"error": "Bad request."})


def test_a_long_text_is_cut_and_marked(world):
    post = world.post("harbourwatch", "word " * 100, DAY)
    shown = syndicated(world, post).json()
    assert shown["note_tweet"]["id"]
    assert len(shown["text"]) < 300
    assert world.get(f"https://api.fxtwitter.com/2/status/{post.id}").json()["status"]["text"].count("word") == 100


# --- states ---------------------------------------------------------------------------------------------------------


def test_a_deleted_post_is_absent_in_each_way_that_was_seen(world, pictured):
    world.delete(pictured)
    assert syndicated(world, pictured).status == 404
    world.uncertain = type(world.uncertain)(deleted="tombstone")
    tombstone = syndicated(world, pictured).json()
    assert tombstone["__typename"] == "TweetTombstone"
    assert tombstone["tombstone"]["text"]["text"].startswith("This Post was deleted by the Post author.")


def test_what_becomes_of_an_account_becomes_of_its_posts(world, pictured):
    world.protect("harbourwatch")
    assert world.state(pictured) is State.PROTECTED
    assert "limits who can view" in syndicated(world, pictured).json()["tombstone"]["text"]["text"]
    assert world.get(f"https://publish.twitter.com/oembed?url={pictured.url}").status == 403
    assert world.get(f"https://api.fxtwitter.com/i/status/{pictured.id}").json()["message"] == "PRIVATE_TWEET"
    world.free("harbourwatch")
    assert syndicated(world, pictured).status == 200


def test_a_post_changes_between_two_requests_by_the_clock(world, pictured):
    world.delete(pictured, at=world.clock.now + dt.timedelta(minutes=5))
    before = syndicated(world, pictured)
    world.clock.advance(minutes=6)
    after = syndicated(world, pictured)
    world.restore(pictured)
    assert (before.status, after.status, syndicated(world, pictured).status) == (200, 404, 200)


def test_an_edit_makes_a_new_id_and_both_know_of_each_other(world, pictured):
    edited = world.edit(pictured, "Crane, corrected", world.clock.now)
    old, new = syndicated(world, pictured).json(), syndicated(world, edited).json()
    assert old["edit_control"]["edit_tweet_ids"] == new["edit_control"]["edit_tweet_ids"] == [pictured.id, edited.id]
    assert (old["isStaleEdit"], new["isStaleEdit"]) == (True, False)


def test_a_renamed_account_shows_its_new_handle(world, pictured):
    world.rename("harbourwatch", "portwatch")
    assert syndicated(world, pictured).json()["user"]["screen_name"] == "portwatch"
    assert world.find_account("harbourwatch") is None


# --- oEmbed ---------------------------------------------------------------------------------------------------------


def test_oembed_has_the_embed_code_with_a_localized_day(world, pictured):
    url = f"https://publish.twitter.com/oembed?url={pictured.url}&lang=de&omit_script=true"
    markup = world.get(url).json()["html"]
    assert markup.startswith('<blockquote class="twitter-tweet" data-lang="de"><p lang="en" dir="ltr">Crane &lt;3&gt;')
    assert (
        f'<a href="https://t.co/{pictured.code}">pic.twitter.com/{pictured.code}</a></p>&mdash; harbourwatch' in markup
    )
    assert markup.endswith(f'status/{pictured.id}?ref_src=twsrc%5Etfw">7. August 2024</a></blockquote>\n')


def test_oembed_breaks_lines_as_html_does(world):
    post = world.post("harbourwatch", "one\n\ntwo", DAY)
    markup = world.get(f"https://publish.twitter.com/oembed?url={post.url}").json()["html"]
    assert '<p lang="en" dir="ltr">one<br><br>two</p>' in markup


def test_oembed_at_the_new_name_redirects_to_the_old(world, pictured):
    moved = world.get(f"https://publish.x.com/oembed?url={pictured.url}")
    assert (moved.status, moved.header("location")) == (302, f"https://publish.twitter.com/oembed?url={pictured.url}")


# --- GraphQL and API v2 ---------------------------------------------------------------------------------------------


def graphql(world, id, **headers):
    variables = json.dumps({"tweetId": id}).replace(" ", "").replace('"', "%22")
    return world.get(f"https://x.com/i/api/graphql/AnyHash123/TweetResultByRestId?variables={variables}", **headers)


def test_graphql_wants_a_guest_token_and_shows_the_user_in_both_shapes(world, pictured):
    assert graphql(world, pictured.id, authorization="Bearer x").status == 403
    answer = graphql(world, pictured.id, authorization="Bearer x", x_guest_token=guest_token(world))
    user = answer.json()["data"]["tweetResult"]["result"]["core"]["user_results"]["result"]
    assert user["legacy"]["screen_name"] == user["core"]["screen_name"] == "harbourwatch"
    assert {"avatar", "location", "privacy", "verification"} <= set(user)


def test_the_api_gives_what_is_asked_for_and_names_what_is_missing(world, pictured):
    url = f"https://api.x.com/2/tweets?ids={pictured.id},1234567&expansions=author_id&tweet.fields=created_at"
    assert world.get(url, authorization="Bearer wrong").status == 401
    answer = world.get(url, authorization="Bearer simulated-bearer")
    (tweet,) = answer.json()["data"]
    assert set(tweet) == {"id", "text", "edit_history_tweet_ids", "created_at", "author_id"}
    assert answer.json()["errors"][0]["type"].endswith("/resource-not-found")
    assert answer.header("x-rate-limit-limit") == "3500"


# --- media ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "kind"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_pictures_are_real_and_sized_by_name(world, format, kind):
    post = world.post("harbourwatch", "", DAY, [photo(1600, 900, format)])
    base = f"https://pbs.twimg.com/media/{post.media[0].key}?format={format}&name="
    sizes = {name: Image.open(io.BytesIO(world.get(base + name).body)) for name in ("orig", "small", "thumb")}
    assert {image.format for image in sizes.values()} == {kind}
    assert [sizes[name].size for name in ("orig", "small", "thumb")] == [(1600, 900), (680, 382), (150, 150)]


def test_films_are_real_in_every_rendition_and_segment(world):
    post = world.post("harbourwatch", "", DAY, [video(640, 360, 2.0), gif()])
    film, animation = post.media
    for rendition in (*film.renditions, *animation.renditions):
        with av.open(io.BytesIO(world.get(rendition.url).body)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height, stream.codec_context.name) == (
                rendition.width,
                rendition.height,
                "h264",
            )
            assert bool(container.streams.audio) is (rendition.film is film)
    playlist = world.get(film.best.playlist).text
    pieces = [line for line in playlist.splitlines() if line.endswith(".ts")]
    stream = b"".join(world.get(f"https://video.twimg.com{piece}").body for piece in pieces)
    with av.open(io.BytesIO(stream)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20


def test_a_part_of_a_film_can_be_asked_for(world):
    film = world.post("harbourwatch", "", DAY, [video()]).media[0]
    whole = world.get(film.best.url).body
    part = world.get(film.best.url, range="bytes=100-199")
    assert (part.status, part.body, part.header("content-range")) == (
        206,
        whole[100:200],
        f"bytes 100-199/{len(whole)}",
    )


def test_media_go_with_their_post(world, pictured):
    world.delete(pictured)
    assert world.get(pictured.media[0].url).status == 404


# --- the founding article -------------------------------------------------------------------------------------------


def test_the_founding_posts_stand_behind_the_articles_codes(world):
    posts = founding(world)
    for code, post in (("fwutN0Bakg", posts.noel), ("Axt42DqdzE", posts.anton)):
        assert f"/status/{post.id}/" in world.get(f"https://t.co/{code}", user_agent="curl").header("location")
    outbound = world.get("https://t.co/KF0irzUiL7", user_agent="curl").header("location")
    assert outbound == posts.news
    assert world.get(outbound).header("content-type").startswith("text/html")
    assert "https://t.co/KF0irzUiL7 https://t.co/Axt42DqdzE" in posts.anton.full_text


def test_the_founding_texts_can_be_those_of_the_article(world, shared):
    article = (shared / "articles/000_cdd135c30a0d5811.txt").read_text()
    posts = founding(world, *texts(article))
    assert posts.noel.text in article
    assert posts.anton.text.count("\n\n") == 1
    assert posts.anton.text.endswith("https://t.co/KF0irzUiL7")
    assert {post.created_at.date() for post in (posts.noel, posts.anton)} == {DAY}


# --- on the wire ----------------------------------------------------------------------------------------------------


def test_every_name_is_served_over_tls_with_a_certificate_of_its_own(web, world, pictured):
    with client(web) as http:
        for url in (SYNDICATION.format(id=pictured.id, token=token(pictured.id)), pictured.media[1].url):
            assert http.get(url).content == world.get(url).body
    assert {request.host for request in world.asked()} == {"cdn.syndication.twimg.com", "pbs.twimg.com"}


def test_the_proxy_carries_tls_and_plain_requests(web, world, pictured):
    context = ssl.create_default_context(cafile=web.ca_file)
    with httpx.Client(proxy=web.proxy_url, verify=context, headers={"user-agent": "curl/8"}) as http:
        assert http.get(f"https://t.co/{pictured.code}").status_code == 301
        assert http.get(f"http://t.co/{pictured.code}").status_code == 301
        with pytest.raises(httpx.ProxyError):
            http.get("https://nobody.example/")


def test_a_name_that_nobody_made_does_not_resolve(web, world):
    world.page("https://news.example/a", "<p>hello</p>")
    assert web.resolve("news.example") == ("127.0.0.1", web.port)
    with pytest.raises(socket.gaierror):
        web.resolve("nobody.example")


def test_text_is_gzipped_for_those_who_take_it(web, world, pictured):
    with client(web) as http:
        answer = http.get(f"https://publish.twitter.com/oembed?url={pictured.url}")
    assert answer.headers["content-encoding"] == "gzip"
    # No time in the header: equal answers are equal bytes.
    assert world.log[-1].response.body[4:8] == bytes(4)
    assert answer.json()["author_name"] == "harbourwatch"


def test_a_body_can_fall_short_be_reset_or_never_come(web, world):
    world.page("https://news.example/", "x" * 100_000)
    with client(web, timeout=10) as http:
        for wire, error in (
            (Wire.SHORT, httpx.RemoteProtocolError),
            (Wire.RESET, (httpx.ReadError, httpx.RemoteProtocolError)),
            (Wire.DROPPED, (httpx.ReadError, httpx.RemoteProtocolError)),
            (Wire.NOISE, httpx.RemoteProtocolError),
            (Wire.SILENT, httpx.ReadTimeout),
        ):
            world.calm()
            world.trouble("news.example", wire=wire)
            with pytest.raises(error):
                patience = 0.5 if wire is Wire.SILENT else 10
                http.get("https://news.example/", headers={"accept-encoding": "identity"}, timeout=patience)
        world.calm()
        assert http.get("https://news.example/").status_code == 200


def test_an_answer_can_come_late_and_in_drops(web, world):
    world.page("https://news.example/", "z" * 4096)
    with client(web, timeout=5) as http:
        world.trouble("news.example", delay=0.3)
        started = time.monotonic()
        assert http.get("https://news.example/").status_code == 200
        assert time.monotonic() - started >= 0.3
        world.calm()
        world.trouble("news.example", trickle=0.1)
        with http.stream("GET", "https://news.example/", headers={"accept-encoding": "identity"}) as answer:
            started = time.monotonic()
            assert sum(len(block) for block in answer.iter_raw()) == 4096
            assert time.monotonic() - started >= 0.2


def test_trouble_comes_and_goes_by_the_worlds_clock(world, pictured):
    now = world.clock.now
    world.trouble(
        "cdn.syndication.twimg.com",
        status=503,
        start=now + dt.timedelta(minutes=1),
        end=now + dt.timedelta(minutes=2),
    )
    seen = []
    for _ in range(3):
        seen.append(syndicated(world, pictured).status)
        world.clock.advance(minutes=1)
    assert seen == [200, 503, 200]


def test_a_huge_body_is_sent_without_being_held(web, world):
    world.page("https://news.example/huge", answer=Response(200, (), b"y" * 65536, repeat=320))
    with client(web) as http, http.stream("GET", "https://news.example/huge") as answer:
        assert sum(len(block) for block in answer.iter_raw()) == 20 * 1024 * 1024


def test_redirects_can_go_round_in_a_ring(web, world):
    start = world.loop("https://news.example/ring", 3)
    with client(web, follow_redirects=True) as http, pytest.raises(httpx.TooManyRedirects):
        http.get(start)


def test_a_limit_is_counted_by_the_worlds_clock(world, pictured):
    world.limit("cdn.syndication.twimg.com", 2, seconds=60, retry_after=30)
    statuses = [syndicated(world, pictured).status for _ in range(3)]
    world.clock.advance(seconds=61)
    refused = world.log[2].response
    assert (statuses, syndicated(world, pictured).status) == ([200, 200, 429], 200)
    assert (refused.text, refused.header("retry-after")) == ("Rate limit exceeded", "30")


def test_trouble_can_pass(world, pictured):
    world.trouble("cdn.syndication.twimg.com", status=503, times=2)
    assert [syndicated(world, pictured).status for _ in range(3)] == [503, 503, 200]


# --- the scene ------------------------------------------------------------------------------------------------------


def test_the_scene_has_a_post_in_each_state(world):
    shown = scene(world)
    states = [world.state(post) for post in (shown.deleted, shown.suspended, shown.protected, shown.withheld)]
    assert states == [State.DELETED, State.SUSPENDED, State.PROTECTED, State.WITHHELD]
    assert syndicated(world, shown.thread[2]).json()["quoted_tweet"]["id_str"] == shown.thread[0].id
    assert syndicated(world, shown.thread[1]).json()["parent"]["id_str"] == shown.thread[0].id
    archived = world.get(f"https://web.archive.org/cdx/search/cdx?url=twitter.com{shown.deleted.path}").text
    assert [line.split()[4] for line in archived.splitlines()] == ["200", "404"]


def test_a_large_world_is_made_quickly_and_answers_for_every_post(world):
    started = time.monotonic()
    posts = populate(world, 2000)
    assert len({post.id for post in posts}) == 2000
    assert {syndicated(world, post).status for post in posts[::40]} == {200}
    assert time.monotonic() - started < 20


def test_it_can_be_run_by_hand(tmp_path):
    """The command prints where everything is, and a program can be pointed at it."""
    command = [sys.executable, "-u", "-m", "tests.simulator", "--folder", str(tmp_path), "--posts", "3"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True) as running:
        try:
            said = {}
            for line in running.stdout:
                name, _, rest = line.partition(" ")
                said[name] = rest.split()[0] if rest.split() else ""
                if line.startswith("Ctrl-C"):
                    break
            context = ssl.create_default_context(cafile=said["CA"])
            with httpx.Client(proxy=said["proxy"], verify=context, headers={"user-agent": "curl/8"}) as http:
                assert http.get("https://t.co/fwutN0Bakg").status_code == 301
            assert 'allow_addresses = ["127.0.0.1/32"]' in (tmp_path / "config.toml").read_text()
        finally:
            running.terminate()
