"""What every platform promises, whichever it is: a file in archiver/platforms passes these by existing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import PostRef
from archiver.platforms import platforms, recognise

_CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_number = st.integers(10**17, 10**19 - 1).map(str)
_host = st.from_regex(r"[a-z][a-z0-9-]{0,14}[a-z0-9]\.(?:social|example|town)", fullmatch=True)

#: How each platform's ids are made. A new platform adds its line, or the suite says that it is missing.
IDS = {
    "bluesky": st.builds(
        "{}/{}".format,
        st.one_of(_host, st.from_regex(r"did:plc:[a-z2-7]{24}", fullmatch=True)),
        st.from_regex(r"3[a-z2-7]{12}", fullmatch=True),
    ),
    "facebook": st.one_of(_number, st.from_regex(r"pfbid0[0-9A-Za-z]{30,60}", fullmatch=True)),
    "instagram": st.text(_CODE, min_size=9, max_size=11).filter(lambda code: code.lower()[:5] != "audio"),
    "linkedin": st.builds("{}:{}".format, st.sampled_from(["share", "ugcPost", "activity"]), _number),
    "mastodon": st.builds("{}/{}".format, _host, _number),
    "reddit": st.one_of(
        st.from_regex(r"[0-9a-z]{4,7}", fullmatch=True), st.from_regex(r"[0-9a-z]{4,7}/[0-9a-z]{6,7}", fullmatch=True)
    ),
    "rumble": st.from_regex(r"v[0-9a-z]{5,6}", fullmatch=True),
    "telegram": st.builds(
        "{}/{}".format, st.from_regex(r"[a-z][a-z0-9_]{5,20}", fullmatch=True), st.integers(1, 10**6)
    ),
    "threads": st.text(_CODE, min_size=11, max_size=11),
    "tiktok": st.integers(6 * 10**18, 8 * 10**18).map(str),
    "twitter": st.one_of(st.integers(20, 10**11), st.integers(10**17, 2 * 10**18)).map(str),
    "vk": st.builds(
        "{}{}_{}".format, st.sampled_from(["", "-", "video-"]), st.integers(1, 10**9), st.integers(1, 10**7)
    ),
    "youtube": st.text(_CODE, min_size=11, max_size=11).filter(lambda id: id not in {"videoseries", "live_stream"}),
}

each = pytest.mark.parametrize("platform", platforms().values(), ids=lambda platform: platform.name)


@each
@given(data=st.data())
def test_a_posts_own_url_names_it(platform, data):
    """match(url(ref)) == ref, by the platform's own grammar and by `recognise`, also from a web archive."""
    ref = PostRef(platform.name, data.draw(IDS[platform.name]))
    assert platform.match(platform.url(ref)) == ref
    assert recognise(platform.url(ref)) == ref
    assert recognise(f"https://web.archive.org/web/20240807010203id_/{platform.url(ref)}") == ref


@each
@given(data=st.data())
def test_a_time_in_an_id_is_utc_and_plausible(platform, data):
    at = platform.posted_at(data.draw(IDS[platform.name]))
    assert at is None or (at.utcoffset() is not None and 2005 < at.year < 2400)


@each
@given(
    text=st.one_of(st.text(max_size=80), st.from_regex(r"https?://[\w.]{1,20}/[\w/@.?=%&;#-]{0,60}", fullmatch=True))
)
def test_any_text_is_a_post_or_none(platform, text):
    ref = platform.match(text)
    assert ref is None or (ref.platform == platform.name and ref.id)


@each
def test_a_profile_or_share_button_is_no_post(platform):
    host = platform.url(PostRef(platform.name, _sample(platform.name))).split("/")[2]
    for path in (
        "",
        "/",
        "/about",
        "/share?url=x",
        "/intent/tweet?url=https%3A%2F%2Fnews.example",
        "/@somebody",
        "/somebody",
    ):
        assert recognise(f"https://{host}{path}") is None


@each
def test_the_screen_touches_every_form_of_its_url(platform):
    """A post's own URL passes the byte screen, and so do its escaped forms."""
    from archiver.articles import screen

    url = platform.url(PostRef(platform.name, _sample(platform.name)))
    for written in (
        url,
        url.replace("/", "\\/"),
        url.replace("/", "\\u002F"),
        url.replace("/", "&#x2F;"),
        url.replace("/", "&#47;"),
        url.replace("/", "%2F"),
        url.replace("/", "\\\\/"),
    ):
        assert screen.references()(f'<a href="{written}">'.encode()), written
        assert screen._scan_with_re(screen.patterns(), 100)(f'<a href="{written}">'.encode()), written


@each
def test_its_expressions_compile_and_its_names_are_lower_case(platform):
    markup = platform.markup
    for expression in (*markup.screens, *markup.bylines, *markup.calls, *(p for _, p in markup.attributes)):
        re.compile(expression)
    assert all(name == name.lower() for name in (*markup.tags, *(n for n, _ in markup.attributes)))


def _sample(name: str) -> str:
    return {
        "bluesky": "harbour.example/3leyztswv5k2q",
        "facebook": "1234567890123456",
        "instagram": "CYokA48MWDA",
        "linkedin": "activity:6850898786781339649",
        "mastodon": "mastodon.example/116242278064339656",
        "reddit": "6f21c7",
        "rumble": "v5pv5f",
        "telegram": "harbourwatch/123",
        "threads": "DNJQOX0RA08",
        "tiktok": "6806030056956251397",
        "twitter": "1821000000000000000",
        "vk": "-159365154_99",
        "youtube": "abcdefghijk",
    }[name]
