"""The simulator's answers have the shape of real ones: no key that no real payload has, none missing that all have.

What PLATFORMS.md documents and no collected payload shows is listed here by hand, with its section.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.simulator import gif, photo, video
from tests.simulator.hosts.syndication import token
from tests.simulator.hosts.x import guest_token
from tests.simulator.payloads import utf16

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)


@pytest.fixture
def real(shared: Path) -> Path:
    return shared / "fixtures"


@pytest.fixture
def posts(world):
    """One post of every kind that a shape depends on."""
    plain = world.post("harbourwatch", "Crane & cable by @dockside #harbour https://news.example/a", AT)
    pictured = world.post(
        "harbourwatch", "Two pictures 😀 by @dockside", AT, [photo(alt="a crane"), photo(format="png")]
    )
    return {
        "plain": plain,
        "pictured": pictured,
        "film": world.post("harbourwatch", "A film", AT, [video()]),
        "gif": world.post("harbourwatch", "A loop", AT, [gif()]),
        "reply": world.post("dockside", "@harbourwatch Indeed", AT, reply_to=plain),
        "quote": world.post("dockside", "Look at this", AT, quotes=pictured),
        "note": world.post("harbourwatch", "A long story. " * 40, AT, [photo()]),
    }


def paths(value: Any, at: str = "") -> set[str]:
    """Every key path of a JSON value; the members of a list count as one."""
    if isinstance(value, dict):
        return {path for key, member in value.items() for path in {f"{at}.{key}", *paths(member, f"{at}.{key}")}}
    if isinstance(value, list):
        return {path for member in value for path in paths(member, f"{at}[]")}
    return set()


def union(values: Iterable[Any]) -> set[str]:
    return set().union(*(paths(value) for value in values))


def common(values: Iterable[Any]) -> set[str]:
    """The paths that every value has."""
    sets = [paths(value) for value in values]
    return set.intersection(*sets) if sets else set()


def beyond(emitted: set[str], known: set[str], documented: tuple[str, ...]) -> set[str]:
    """Emitted paths that neither a real payload nor PLATFORMS.md has."""
    return {path for path in emitted - known if not any(re.fullmatch(pattern, path) for pattern in documented)}


def load(folder: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


# --- syndication ----------------------------------------------------------------------------------------------------

#: PLATFORMS.md 3.2, "Schema": alternative text, replies, a parent, and posts nested whole.
SYNDICATION = (
    r"\.mediaDetails\[\]\.ext_alt_text",
    r"\.in_reply_to_(screen_name|status_id_str|user_id_str)",
    r"\.parent(\..*)?",
    r"\.quoted_tweet\..*ext_alt_text",
)


def syndicated(world, post) -> Any:
    return world.get(f"https://cdn.syndication.twimg.com/tweet-result?id={post.id}&token={token(post.id)}").json()


def test_syndication_has_the_keys_of_real_payloads(world, posts, real):
    known = [each for each in load(real / "twitter/syndication") if each["__typename"] == "Tweet"]
    nested = [each["quoted_tweet"] for each in known if "quoted_tweet" in each]
    emitted = {name: syndicated(world, post) for name, post in posts.items()}
    everything = union([*known, *nested]) | {f".quoted_tweet{path}" for path in union([*known, *nested])}
    assert beyond(union(emitted.values()), everything, SYNDICATION) == set()
    assert common(known) - common(emitted.values()) == set()
    films = [each for each in known if "video" in each]
    assert common(films) - paths(emitted["film"]) == set()
    pictured = [each for each in known if each.get("mediaDetails", [{}])[0].get("type") == "photo"]
    assert common(pictured) - paths(emitted["pictured"]) == set()


def test_places_in_real_payloads_follow_the_rules_the_simulator_follows(real):
    """Entities count code points of the escaped text, `display_text_range` its UTF-16 units."""
    seen = 0
    for each in load(real / "twitter/syndication"):
        for entities in (each.get("entities", {}), each.get("quoted_tweet", {}).get("entities", {})):
            text = (
                each["quoted_tweet"]["text"] if entities is not each.get("entities") and entities else each.get("text")
            )
            for link in [*(entities.get("urls") or []), *(entities.get("media") or [])]:
                # Mentions and long notes may have been cut or joined by whoever kept the sample; links are exact.
                start, end = link["indices"]
                seen += text[start:end] == link["url"]
        if each.get("id_str") == "2089067915303649684":
            assert each["display_text_range"][1] == utf16(each["text"]) == len(each["text"]) + 1
    assert seen >= 4


@pytest.mark.parametrize("name", ["tombstone-deleted", "tombstone-empty"])
def test_tombstones_are_word_for_word(world, posts, real, name):
    known = json.loads((real / f"twitter/syndication/{name}.json").read_text())
    world.uncertain = type(world.uncertain)(deleted="tombstone")
    (world.delete if name == "tombstone-deleted" else world.withhold)(posts["plain"])
    assert syndicated(world, posts["plain"]) == known


# --- GraphQL --------------------------------------------------------------------------------------------------------

_RESULT = r"\.data\.tweetResult\.result"
#: PLATFORMS.md 3.2b (the user in gallery-dl's shape), links (none in these samples; as in v1.1's), replies, quoted
#: posts, long notes, alternative text.
GRAPHQL = (
    _RESULT + r".*\.user_results\.result\.(core|avatar|location|verification|privacy)(\..*)?",
    _RESULT + r"\.legacy\.in_reply_to_(screen_name|status_id_str|user_id_str)",
    _RESULT + r"\.legacy\.entities\.urls\[\](\..*)?",
    _RESULT + r"\.legacy\.quoted_status_id_str",
    _RESULT + r"\.quoted_status_result(\..*)?",
    _RESULT + r"\.note_tweet(\..*)?",
    _RESULT + r".*\.ext_alt_text",
)


def test_graphql_has_the_keys_of_real_payloads(world, posts, real):
    known = [each for each in load(real / "twitter/graphql") if "legacy" in each["data"]["tweetResult"]["result"]]
    emitted = []
    for post in posts.values():
        variables = json.dumps({"tweetId": post.id}, separators=(",", ":")).replace('"', "%22")
        url = f"https://x.com/i/api/graphql/hash/TweetResultByRestId?variables={variables}"
        emitted.append(world.get(url, authorization="Bearer x", x_guest_token=guest_token(world)).json())
    assert beyond(union(emitted), union(known), GRAPHQL) == set()
    # Accounts differ in what they have set; the simulator's have no link, banner or tip jar.
    optional = r".*\.(tipjar_settings|affiliates_highlighted_label|profile_banner_url|url)(\..*)?|.*entities\.url.*"
    missing = {path for path in common(known) - common(emitted) if not re.fullmatch(optional, path)}
    assert missing == set()


def test_an_unavailable_result_is_word_for_word(world, posts, real):
    known = json.loads((real / "twitter/graphql/TweetResultByRestId_991500.synthetic-unavailable.json").read_text())
    world.suspend("harbourwatch")
    variables = f"%7B%22tweetId%22:%22{posts['plain'].id}%22%7D"
    url = f"https://x.com/i/api/graphql/hash/TweetResultByRestId?variables={variables}"
    assert world.get(url, authorization="Bearer x", x_guest_token=guest_token(world)).json() == known


# --- relays, oEmbed, API v2 -----------------------------------------------------------------------------------------

#: PLATFORMS.md 3.3 names these; the recorded expectations leave them out because they change.
VXTWITTER = (r"\.(user_name|user_screen_name|user_profile_image_url|likes|retweets|replies|communityNote)",)


def test_vxtwitter_has_the_keys_of_real_payloads(world, posts, real):
    known = load(real / "twitter/vxtwitter")
    emitted = [world.get(f"https://api.vxtwitter.com/i/status/{post.id}").json() for post in posts.values()]
    assert beyond(union(emitted), union(known), VXTWITTER) == set()
    assert common(known) - common(emitted) == set()


def test_oembed_has_exactly_the_keys_and_order_of_a_real_answer(world, posts, real):
    (path,) = (real / "twitter/oembed").glob("*.http.json")
    known = json.loads(path.read_text())
    answer = world.get(f"https://publish.twitter.com/oembed?url={posts['plain'].url}")
    assert list(answer.json()) == list(json.loads(known["body"]))
    # The same escaping, and the same skeleton of tags.
    for text in (known["body"], answer.text):
        assert '\\u003Cblockquote class=\\"twitter-tweet\\"\\u003E' in text
        assert "https:\\/\\/" in text
    skeletons = [
        [
            tag.name
            for tag in BeautifulSoup(json.loads(text)["html"], "html.parser").find_all(["blockquote", "p", "script"])
        ]
        for text in (known["body"], answer.text)
    ]
    assert skeletons[0] == skeletons[1]


def test_the_api_gives_the_default_keys_of_real_answers(world, posts, real):
    exchange = json.loads((real / "twitter/v2/tweepy_test_client_get_tweets.http.json").read_text())
    ids = ",".join(post.id for post in posts.values())
    answer = world.get(f"https://api.x.com/2/tweets?ids={ids}", authorization="Bearer simulated-bearer")
    assert paths(answer.json()) == paths(json.loads(exchange["body"]))
    limits = {name for name in exchange["headers"] if name.startswith("x-rate-limit")}
    assert limits <= {name for name, _ in answer.headers}


def test_tco_shows_a_browser_the_very_page(world, real):
    known = json.loads((real / "twitter/tco/4DK3Jc2BTt.http.json").read_text())
    world.code("4DK3Jc2BTt", "https://buff.ly/2uSOHDs")
    answer = world.get("https://t.co/4DK3Jc2BTt", user_agent="Mozilla/5.0 Chrome/130")
    assert answer.text == known["body"]
    assert (answer.header("cache-control"), answer.header("content-type")) == (
        known["headers"]["cache-control"][0],
        known["headers"]["content-type"][0],
    )


# --- the Wayback Machine --------------------------------------------------------------------------------------------

#: v1.1 of 2017: media and long texts are in other samples of the collection.
V11_OPTIONAL = r".*\.(profile_banner_url|time_zone|retweeted_status|quoted_status.*|place|coordinates|geo|url)(\..*)?"


def test_archived_streaming_json_has_the_keys_of_a_real_one(world, posts, real):
    streamed = json.loads((real / "wayback/tweet-json/890659426796945408.v11-stream.json").read_text())
    others = [each for each in load(real / "twitter/v11") if isinstance(each, dict)]
    emitted = {name: json.loads(world.archive(post, AT, "v1").body) for name, post in posts.items()}
    known = union([streamed, *others])
    documented = (
        r"\.extended_tweet(\..*)?",
        r".*\.(video_info|additional_media_info|original_info)(\..*)?",
        r".*\.(ext_media_availability|ext_alt_text)(\..*)?",
    )
    assert beyond(union(emitted.values()), known, documented) == set()
    missing = paths(streamed) - paths(emitted["plain"])
    assert {path for path in missing if not re.search(r"\.(profile_|hashtags\[\])", path)} == set()


OLD_UI = (
    "div.tweet.permalink-tweet[data-tweet-id][data-conversation-id][data-screen-name][data-name][data-user-id]"
    "[data-permalink-path]",
    "div.permalink-tweet .js-tweet-text-container p.tweet-text[lang]",
    "div.permalink-tweet small.time a.tweet-timestamp span._timestamp[data-time-ms]",
    "div.permalink-tweet strong.fullname",
    "div.permalink-tweet span.username b",
    "link[rel=canonical][href]",
)


def test_an_archived_old_page_answers_to_the_selectors_of_real_ones(world, posts, real):
    for path in sorted((real / "wayback/tweet-html-oldui").glob("*.html")):
        for text in (path.read_text(), world.archive(posts["pictured"], AT, "old").body.decode()):
            soup = BeautifulSoup(text, "html.parser")
            assert [selector for selector in OLD_UI if not soup.select(selector)] == []


def test_archived_microdata_has_the_properties_of_a_real_page(world, posts, real):
    (path,) = (real / "wayback/tweet-html-newui").glob("*.microdata.html")
    known, ours = (
        {(tag.get("itemprop"), tag.get("itemtype")) for tag in BeautifulSoup(text, "html.parser").select("[itemprop]")}
        for text in (path.read_text(), world.archive(posts["reply"], AT, "microdata").body.decode())
    )
    # The excerpt stops before the text; its property is named in PLATFORMS.md 3.6.
    assert ours - known - {("articleBody", None)} == set()
    assert known - ours == set()


def test_replay_has_the_headers_of_a_real_memento(world, posts, real):
    (exchange,) = json.loads((real / "wayback/memento/edgi-get_memento.http.json").read_text())
    known = {name.lower() for name in exchange["response"]["headers"]}
    for day in (8, 9, 10):
        world.memento("https://www.fws.gov/birds/", AT.replace(day=day), "<html>", headers=[("server", "origin")])
    answer = world.get("https://web.archive.org/web/20240809104211id_/https://www.fws.gov/birds/")
    ours = {name for name, _ in answer.headers if not name.startswith("x-archive-orig-")}
    assert ours - known == set()
    transport = {"connection", "transfer-encoding", "content-encoding"}
    details = {"server-timing", "content-security-policy", "x-tr"}
    assert {name for name in known if not name.startswith("x-archive-orig-")} - ours <= transport | details
    rels = [
        re.findall(r'rel="([^"]+)"', text)
        for text in (exchange["response"]["headers"]["link"][0], answer.header("link"))
    ]
    assert {word for rel in rels[0] for word in rel.split()} == {word for rel in rels[1] for word in rel.split()}


def test_cdx_rows_are_written_as_real_ones(world, real):
    (exchange,) = json.loads((real / "wayback/cdx/edgi-test_search.http.json").read_text())
    line = exchange["response"]["body_first"].splitlines()[0].split(" ")
    world.memento("http://www.nasa.gov:80/", dt.datetime(1996, 12, 31, 23, 58, 47, tzinfo=dt.UTC), "<html>")
    ours = world.get("https://web.archive.org/cdx/search/cdx?url=nasa.gov").text.splitlines()[0].split(" ")
    assert ours[:5] == line[:5]
    assert [re.sub(r"\w", "x", each) for each in ours[5:6]] == [re.sub(r"\w", "x", each) for each in line[5:6]]


def test_a_blocked_search_is_word_for_word(world, real):
    (exchange,) = json.loads((real / "wayback/cdx/edgi-blocked.http.json").read_text())
    world.exclude("nationalpost.com")
    answer = world.get(exchange["request"]["uri"])
    known = exchange["response"]
    assert (answer.status, answer.text) == (known["status"]["code"], known["body_first"])
    name = "X-Archive-Wayback-Runtime-Error"
    assert answer.header(name) == known["headers"][name][0]
