"""What looks like an answer and is none, from every source of every network: it says nothing of the post, and why."""

from __future__ import annotations

from typing import Any

import pytest
from drive import capture

from archiver.errors import FetchError, ParseError
from archiver.model import Claim, Finding, Outcome, PostRef, Rank, Reason
from archiver.platforms import Source, platforms
from tests.simulator.pages import CONSENT, LOGIN, SHELL

CHALLENGE = "<html><head><title>Just a moment...</title></head><script src='/cdn-cgi/challenge-platform/x.js'></script>"
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}

#: (status, headers, body) of what stands in the way, and the reasons it may be given.
IN_THE_WAY: dict[str, tuple[int, dict[str, str], str, set[Reason]]] = {
    "a login page with status 200": (200, HTML, LOGIN, {Reason.LOGIN_WALL}),
    "a consent page with status 200": (200, HTML, CONSENT, {Reason.BLOCKED}),
    "a challenge with status 200": (200, HTML, CHALLENGE, {Reason.BLOCKED}),
    "a redirect to a login page": (302, {"location": "/accounts/login/?next=%2Fp%2Fx"}, "", {Reason.LOGIN_WALL}),
    "a bare program": (200, HTML, SHELL, {Reason.UNKNOWN, Reason.UNREADABLE}),
    "an empty object": (200, JSON, "{}", {Reason.UNKNOWN, Reason.UNREADABLE, Reason.NOT_FOUND}),
    "an empty list": (200, JSON, "[]", {Reason.UNKNOWN, Reason.UNREADABLE, Reason.NOT_ARCHIVED}),
    "null": (200, JSON, "null", {Reason.UNKNOWN, Reason.UNREADABLE}),
    "nothing": (200, JSON, "", {Reason.UNKNOWN, Reason.UNREADABLE, Reason.NOT_ARCHIVED}),
    "no content": (204, {}, "", {Reason.UNKNOWN, Reason.UNREADABLE, Reason.NOT_ARCHIVED}),
    "a rate limit": (429, {"retry-after": "60"}, "Rate limit exceeded", {Reason.RATE_LIMITED}),
    "a rate limit of old": (420, {}, "Enhance your calm", {Reason.RATE_LIMITED, Reason.BAD_REQUEST}),
    "a server in trouble": (500, HTML, "<h1>500</h1>", {Reason.SERVER_ERROR}),
    "a gateway in trouble": (503, HTML, "<h1>503</h1>", {Reason.SERVER_ERROR}),
    "a page that forbids": (403, HTML, CHALLENGE, {Reason.BLOCKED, Reason.LOGIN_WALL}),
    "a page that asks who we are": (401, HTML, LOGIN, {Reason.BLOCKED, Reason.LOGIN_WALL}),
}
#: Where the network's own words, or ours on an archive, give a status another meaning (PLATFORMS.md 3.7, 3.8).
ALLOWED = {
    # 403 is how Bluesky's embed service honours an author's wish.
    ("bluesky", "oembed", "a page that forbids"): Outcome.HIDDEN,
}


def _sources() -> list[Any]:
    return [
        pytest.param(name, source, id=f"{name}-{source.name}")
        for name, platform in platforms().items()
        for source in platform.sources()
    ]


def told(network: str, source: Source, status: int, headers: dict[str, str], body: str) -> Finding | None:
    """What a source makes of being answered so to whatever it asks; None where it cannot read it."""
    example = platforms()[network].example
    look = source.look(PostRef(network, example.id), Claim(handle=example.handle))
    try:
        request = next(look)
        for _ in range(20):
            request = look.send(capture(request.url, body, status, headers))
    except StopIteration as end:
        found: Finding = end.value
        return found
    except ParseError:
        return None
    pytest.fail(f"{network}: asks without end")


@pytest.mark.parametrize("name", IN_THE_WAY)
@pytest.mark.parametrize(("network", "source"), _sources())
def test_what_stands_in_the_way_says_nothing_of_the_post(network: str, source: Source, name: str) -> None:
    status, headers, body, reasons = IN_THE_WAY[name]
    finding = told(network, source, status, headers, body)
    if finding is None:
        assert reasons & {Reason.UNKNOWN, Reason.UNREADABLE}, "it can be read, and says what it is"
        return
    if ALLOWED.get((network, source.name, name)) is finding.outcome:
        return
    assert finding.outcome not in (Outcome.FOUND, Outcome.GONE, Outcome.HIDDEN), finding
    # A source of an archive knows no more than that nothing can be had of it.
    archive = {Reason.BLOCKED, Reason.UNKNOWN, Reason.UNREADABLE} if source.rank is Rank.ARCHIVE else set()
    assert finding.reason in reasons | archive, finding
    if finding.outcome is Outcome.ABSENT:
        assert finding.reason is not Reason.NOT_FOUND or body == "{}", finding


@pytest.mark.parametrize(("network", "source"), _sources())
@pytest.mark.parametrize("reason", ["unreachable", "timeout", "address-refused"])
def test_silence_is_named_and_proves_nothing(network: str, source: Source, reason: str) -> None:
    example = platforms()[network].example
    look = source.look(PostRef(network, example.id), Claim(handle=example.handle))
    try:
        next(look)
        for _ in range(20):
            look.throw(FetchError("nobody answers", reason=reason))
        pytest.fail(f"{network}: asks without end")
    except StopIteration as end:
        assert end.value.outcome in (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.REFUSED)
        assert end.value.reason.value in (reason, "unknown")


# --- tombstones, in each network's own words ------------------------------------------------------------------------

WORDS: dict[str, tuple[str, str, int, str, Outcome, Reason]] = {
    "Bluesky: no such record": (
        "bluesky", "pds", 400, '{"error":"RecordNotFound","message":"Could not locate record"}',
        Outcome.ABSENT, Reason.NOT_FOUND,
    ),
    "Bluesky: an account taken down": (
        "bluesky", "pds", 400, '{"error":"RepoTakendown","message":"Repo has been takendown"}',
        Outcome.GONE, Reason.SUSPENDED,
    ),
    "Bluesky: an account suspended": (
        "bluesky", "pds", 400, '{"error":"RepoSuspended","message":"x"}', Outcome.GONE, Reason.SUSPENDED,
    ),
    "Bluesky: an account its owner put away": (
        "bluesky", "pds", 400, '{"error":"RepoDeactivated","message":"x"}', Outcome.HIDDEN, Reason.PROTECTED,
    ),
    "Mastodon: not found, deleted or private": (
        "mastodon", "api", 404, '{"error":"Record not found"}', Outcome.ABSENT, Reason.NOT_FOUND,
    ),
    "Mastodon: a server that wants an account": (
        "mastodon", "api", 401, '{"error":"This method requires an authenticated user"}',
        Outcome.REFUSED, Reason.LOGIN_WALL,
    ),
    "Mastodon: a tombstone": (
        "mastodon", "activitypub", 410, '{"type":"Tombstone"}', Outcome.GONE, Reason.DELETED,
    ),
    "Mastodon: somebody else's 404": ("mastodon", "api", 404, "<h1>404</h1>", Outcome.UNKNOWN, Reason.UNKNOWN),
    "Telegram: no such message": (
        "telegram", "embed", 200, '<div class="tgme_widget_message_error">Post not found</div>',
        Outcome.ABSENT, Reason.NOT_FOUND,
    ),
    "YouTube: missing": ("youtube", "oembed", 404, "Not Found", Outcome.ABSENT, Reason.NOT_FOUND),
    "YouTube: a bad id": ("youtube", "oembed", 400, "Bad Request", Outcome.UNKNOWN, Reason.BAD_REQUEST),
    "YouTube: private, or not to be embedded": (
        "youtube", "oembed", 401, "Unauthorized", Outcome.HIDDEN, Reason.UNKNOWN,
    ),
    "TikTok: missing, it is said": (
        "tiktok", "oembed", 400, '{"code":400,"message":"Something went wrong"}', Outcome.UNKNOWN, Reason.BAD_REQUEST,
    ),
    "Reddit: a program refused": ("reddit", "json", 403, "<title>Blocked</title>", Outcome.REFUSED, Reason.BLOCKED),
    "Meta: a limit in the body": (
        "instagram", "oembed", 400, '{"error":{"message":"Application request limit reached","code":4}}',
        Outcome.REFUSED, Reason.RATE_LIMITED,
    ),
    "Meta: a token wanted": (
        "instagram", "oembed", 400, '{"error":{"message":"Invalid OAuth access token","code":190}}',
        Outcome.REFUSED, Reason.LOGIN_WALL,
    ),
    "X: deleted": (
        "twitter", "syndication", 200,
        '{"__typename":"TweetTombstone","tombstone":{"text":{"text":"This Post was deleted by the Post author. Learn '
        'more"}}}', Outcome.GONE, Reason.DELETED,
    ),
    "X: a tombstone without words": (
        "twitter", "syndication", 200, '{"__typename":"TweetTombstone","tombstone":{}}',
        Outcome.UNKNOWN, Reason.UNKNOWN,
    ),
    "X: for adults": (
        "twitter", "syndication", 200,
        '{"__typename":"TweetTombstone","tombstone":{"text":{"text":"Age-restricted adult content. This content might '
        'not be appropriate for people under 18 years old."}}}', Outcome.HIDDEN, Reason.AGE_RESTRICTED,
    ),
    "X: protected": (
        "twitter", "oembed", 403, '{"error":"Sorry, you are not authorized to see this status."}',
        Outcome.HIDDEN, Reason.PROTECTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_each_networks_own_words_for_absence_are_understood(name: str) -> None:
    network, wanted, status, body, outcome, reason = WORDS[name]
    example = platforms()[network].example
    (source,) = [each for each in platforms()[network].sources() if each.name == wanted]
    id = example.id if network != "bluesky" else f"did:plc:{'a' * 24}/3leyztswv5k2q"
    look = source.look(PostRef(network, id), Claim(handle=example.handle))
    request = next(look)
    try:
        for _ in range(10):
            answer = capture(request.url, body, status)
            if "plc.directory" in request.url:
                service = {
                    "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": "https://pds.example",
                }  # fmt: skip
                answer = capture(request.url, {"id": id.partition("/")[0], "service": [service]})
            elif "app.bsky.actor.profile" in request.url and "RecordNotFound" in body:
                answer = capture(request.url, {"value": {"displayName": "A"}})
            request = look.send(answer)
        pytest.fail("asks without end")
    except StopIteration as end:
        assert (end.value.outcome, end.value.reason) == (outcome, reason), end.value
