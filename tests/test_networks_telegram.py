"""Telegram: the widget's page and its archived copies, against real bytes and against the simulated host."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt

import pytest
from drive import SHARED, capture, drive, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError, Unreachable
from archiver.model import Claim, Finding, Outcome, Post, PostRef, Reason
from archiver.platforms.telegram import PLATFORM, embed_url, read_page
from tests.simulator.look import look
from tests.simulator.world import World, photo, video

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
SOURCES = {source.name: source for source in PLATFORM.sources()}


def ref(id: str) -> PostRef:
    return PostRef("telegram", id)


def found(world: World, id: str, source: str = "embed") -> Finding:
    return look(world, SOURCES[source].look(ref(id), Claim()))


def shown(world: World, id: str, source: str = "embed") -> Post:
    finding = found(world, id, source)
    assert (finding.outcome, finding.reason) == (Outcome.FOUND, Reason.OK), finding
    assert finding.post is not None
    return finding.post


# --- real bytes -----------------------------------------------------------------------------------------------------


@needs_shared
def test_a_real_message_is_read():
    page = (SHARED / "fixtures/telegram/embed-message-excerpt.html").read_bytes()
    post = read_page(capture("https://t.me/", page), ref("freelansim_ru/5606")).post
    assert (post.author.handle, post.created_at) == (
        "freelansim_ru",
        dt.datetime(2026, 8, 25, 9, 0, 32, tzinfo=dt.UTC),
    )
    assert post.text.startswith("Подборка заказов в категории") and post.text.endswith("https://u.habr.com/NxZWE")
    assert [link.url for link in post.links] == ["https://u.habr.com/OVsYg", "https://u.habr.com/NxZWE"]
    assert (post.media, post.counts, post.reply_to) == ((), (), None)


@needs_shared
def test_a_real_absence_is_read_though_its_status_is_200():
    page = (SHARED / "fixtures/telegram/post-not-found.html").read_bytes()
    finding = read_page(capture("https://t.me/", page), ref("durov/99999"))
    assert (finding.outcome, finding.reason, finding.tombstone) == (
        Outcome.ABSENT,
        Reason.NOT_FOUND,
        "Post not found",
    )


# --- what a message holds -------------------------------------------------------------------------------------------


def test_a_message_is_asked_for_as_telegrams_own_widget_does():
    assert embed_url(ref("harbourwatch/12")) == "https://t.me/harbourwatch/12?embed=1&mode=tme"


def test_text_author_time_views_and_a_picture_at_its_address(world):
    post = world.share(
        "telegram",
        "harbourwatch/12",
        "The crane 🏗\nis down #harbour",
        AT,
        [photo()],
        author="Harbour Watch",
        views="12.5K",
    )
    read = shown(world, "harbourwatch/12")
    assert (read.text, read.author.handle, read.author.name) == (
        "The crane 🏗\nis down #harbour", "harbourwatch", "Harbour Watch",
    )  # fmt: skip
    assert (read.created_at, read.counts) == (AT, (("views", 12_500),))
    (picture,) = read.media
    assert (picture.kind, picture.key, picture.urls) == ("photo", "12", (post.file(post.media[0]),))
    assert world.get(picture.urls[0]).payload == post.media[0].bytes()


def test_a_film_has_its_length_its_still_and_its_file(world):
    post = world.share("telegram", "harbourwatch/13", "It moves", AT, [video(seconds=2)])
    (film,) = shown(world, "harbourwatch/13").media
    assert (film.kind, film.duration, film.urls) == ("video", 2.0, (post.file(post.media[0]),))
    assert film.poster is not None
    assert world.get(film.urls[0]).payload == post.media[0].bytes()


def test_a_film_too_big_for_the_page_is_named_and_its_still_kept(world):
    world.share("telegram", "harbourwatch/13", "It moves", AT, [video()], too_big=True)
    film, still = shown(world, "harbourwatch/13").media
    assert (film.kind, film.urls, still.kind) == ("video", (), "photo")
    assert world.get(still.urls[0]).status == 200


def test_an_album_is_one_message_under_each_of_its_ids(world):
    world.share("telegram", "harbourwatch/20", "Three views", AT, [photo(), photo(), video()], album=(20, 21, 22))
    for id in ("20", "21", "22"):
        read = shown(world, f"harbourwatch/{id}")
        assert read.ref == ref(f"harbourwatch/{id}")
        assert [each.key for each in read.media] == ["20", "21", "22"]
        assert read.text == "Three views"
        assert dict(read.extra)["album"] == ["20", "21", "22"]


def test_a_reply_names_its_parent_and_keeps_its_own_words(world):
    parent = world.share("telegram", "harbourwatch/30", "Is the crane safe?", AT, author="Harbour Watch")
    world.share("telegram", "harbourwatch/31", "It is not.", AT, [photo()], reply_to=parent)
    read = shown(world, "harbourwatch/31")
    assert (read.text, read.reply_to) == ("It is not.", ref("harbourwatch/30"))
    assert [each.key for each in read.media] == ["31"]


def test_a_forward_a_signature_an_edit_and_a_preview_are_kept_apart(world):
    origin = world.share("telegram", "portnews/7", "x", AT, author="Port News")
    world.share(
        "telegram", "harbourwatch/40", "Seen at https://example.org/a", AT, forwarded_from=origin, signature="Ana",
        is_edited=True, preview=("The crane", "https://example.org/a"),
    )  # fmt: skip
    read = shown(world, "harbourwatch/40")
    extra = dict(read.extra)
    assert extra["forwarded_from"] == {"name": "Port News", "url": "https://t.me/portnews/7"}
    assert (extra["signature"], extra["edited"], extra["card"]["title"]) == ("Ana", True, "The crane")
    assert read.text == "Seen at https://example.org/a" and read.media == ()


def test_an_attached_file_is_named_and_said_not_to_be_kept(world):
    world.share("telegram", "harbourwatch/41", "The report", AT, file="report.pdf")
    extra = dict(shown(world, "harbourwatch/41").extra)
    assert extra["documents"] == [{"title": "report.pdf", "size": "2.1 MB"}] and "not_archived" in extra


def test_names_of_channels_have_no_case(world):
    world.share("telegram", "HarbourWatch/12", "The crane", AT)
    assert shown(world, "harbourwatch/12").ref == ref("harbourwatch/12")


# --- messages as real pages mark them up ----------------------------------------------------------------------------


def message(inside: str, foot: str = "") -> Post:
    """A message of a channel, as the pages of 2023 to 2026 have it."""
    page = (
        '<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message '
        'text_not_supported_wrap" data-post="harbourwatch/12"><div class="tgme_widget_message_bubble">'
        '<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" '
        f'href="https://t.me/harbourwatch"><span dir="auto">Harbour Watch</span></a></div>{inside}'
        f'<div class="tgme_widget_message_footer compact"><div class="tgme_widget_message_info short">{foot}'
        '<span class="tgme_widget_message_views">2</span><span class="tgme_widget_message_meta">'
        '<a class="tgme_widget_message_date" href="https://t.me/harbourwatch/12">'
        '<time datetime="2024-08-07T10:42:11+00:00" class="time">10:42</time></a></span></div></div></div></div></div>'
    )
    finding = read_page(capture("https://t.me/harbourwatch/12?embed=1", page), ref("harbourwatch/12"))
    assert (finding.outcome, finding.tombstone) == (Outcome.FOUND, None)
    assert (finding.post.created_at, finding.post.counts) == (AT, (("views", 2),))
    return finding.post


UNSUPPORTED = (
    '<div class="message_media_not_supported_wrap media_not_supported_cont"><div class="message_media_not_supported">'
    '<div class="message_media_not_supported_label">This media is not supported in your browser</div></div></div>'
)
CDN = "https://cdn1.telegram-cdn.example/file"


@pytest.mark.parametrize(
    ("inside", "kind", "urls"),
    [
        (
            '<i class="tgme_widget_message_sticker js-sticker_image" style="background-image:url(\'data:image/svg+xml;'
            f'base64,AA\')" data-webp="{CDN}/s.webp"><div style="padding-top:100%"></div></i>',
            "photo",
            (f"{CDN}/s.webp",),
        ),
        (
            f'<video class="tgme_widget_message_videosticker js-videosticker_video" src="{CDN}/s.webm" muted></video>',
            "gif",
            (f"{CDN}/s.webm",),
        ),
        (
            '<picture class="tgme_widget_message_tgsticker"><source type="application/x-tgsticker" '
            f'srcset="{CDN}/s.tgs"><img src="data:image/png;base64,AA"></picture>',
            "unknown",
            (f"{CDN}/s.tgs",),
        ),
    ],
    ids=["still", "film", "drawn"],
)
def test_a_sticker_is_kept(inside, kind, urls):
    wrap = f'<div class="tgme_widget_message_sticker_wrap media_supported_cont">{inside}</div>'
    (sticker,) = message(UNSUPPORTED + wrap).media
    assert (sticker.kind, sticker.urls) == (kind, urls)


def test_a_poll_is_kept_with_its_choices():
    option = (
        '<div class="tgme_widget_message_poll_option"><div class="tgme_widget_message_poll_option_percent">{}%</div>'
        '<div class="tgme_widget_message_poll_option_value"><div class="tgme_widget_message_poll_option_text">{}</div>'
        '<div class="tgme_widget_message_poll_option_bar accent_bg" style="width:{}%"></div></div></div>'
    )
    post = message(
        '<div class="tgme_widget_message_poll js-poll">'
        '<div class="tgme_widget_message_poll_question">Did it fall?</div>'
        '<div class="tgme_widget_message_poll_type">Anonymous Quiz</div>'
        '<a class="tgme_widget_message_poll_options" href="https://t.me/harbourwatch/12">'
        f"{option.format(67, 'Yes', 67)}{option.format(33, 'No', 33)}</a></div>",
        '<span class="tgme_widget_message_voters">1.2K</span><span class="copyonly"> voters</span>',
    )
    assert dict(post.extra)["poll"] == {
        "question": "Did it fall?",
        "kind": "Anonymous Quiz",
        "options": [{"title": "Yes", "share": "67%"}, {"title": "No", "share": "33%"}],
        "voters": 1200,
    }


def test_a_place_is_kept_with_its_point():
    there = "https://maps.example/maps?q=-23.930587176407,-44.086305367818&amp;z=16"
    post = message(
        f'<a class="tgme_widget_message_location_wrap" href="{there}"><div class="tgme_widget_message_location" '
        "style=\"background-image:url('https://static-maps.example/1')\"></div></a>"
    )
    assert dict(post.extra)["location"] == {
        "latitude": "-23.930587176407",
        "longitude": "-44.086305367818",
        "url": there.replace("&amp;", "&"),
    }


def test_a_voice_message_has_its_length():
    (sound,) = message(
        f'<div class="tgme_widget_message_voice_player"><audio class="tgme_widget_message_voice js-message_voice" '
        f'src="{CDN}/v.ogg"></audio><time class="tgme_widget_message_voice_duration js-message_voice_duration">1:05'
        "</time></div>"
    ).media
    assert (sound.kind, sound.urls, sound.duration) == ("audio", (f"{CDN}/v.ogg",), 65.0)


def test_a_film_has_the_size_that_its_frame_states():
    """An upright film is shown twice, blurred behind itself."""
    clip = f'<video src="{CDN}/f.mp4" class="tgme_widget_message_video" width="100%" height="100%"></video>'
    (film,) = message(
        '<a class="tgme_widget_message_video_player js-message_video_player" href="https://t.me/harbourwatch/12">'
        f'<i class="tgme_widget_message_video_thumb" style="background-image:url(\'{CDN}/t\')"></i>{clip}'
        f'<div class="tgme_widget_message_video_wrap" style="width:720px;padding-top:133.33333333333%">{clip}</div>'
        '<time class="message_video_duration js-message_video_duration">0:06</time></a>'
    ).media
    assert (film.urls, film.width, film.height, film.duration) == ((f"{CDN}/f.mp4",), 720, 960, 6.0)
    assert film.poster == f"{CDN}/t"


def test_the_preview_of_a_link_is_kept_with_its_site_and_picture():
    post = message(
        '<div class="tgme_widget_message_text js-message_text" dir="auto">See this</div>'
        '<a class="tgme_widget_message_link_preview" href="https://harbour.example/crane">'
        f'<i class="link_preview_right_image" style="background-image:url(\'{CDN}/p.jpg\')"></i>'
        '<div class="link_preview_site_name accent_color" dir="auto">Harbour News</div>'
        '<div class="link_preview_title" dir="auto">The crane</div></a>'
    )
    card = dict(post.extra)["card"]
    assert (card["site"], card["title"], card["image"]) == ("Harbour News", "The crane", f"{CDN}/p.jpg")
    assert post.media == ()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("They said:<blockquote>It fell</blockquote>It did not.", "They said:\nIt fell\nIt did not."),
        ("They said:<br/><blockquote>It fell</blockquote><br/>It did not.", "They said:\nIt fell\nIt did not."),
        ("<blockquote>One<br/>two</blockquote><pre>code</pre>", "One\ntwo\ncode"),
        ("<b><blockquote>It <i>fell</i></blockquote></b>!", "It fell\n!"),
    ],
)
def test_quotations_and_code_stand_on_lines_of_their_own(markup, text):
    assert message(f'<div class="tgme_widget_message_text js-message_text" dir="auto">{markup}</div>').text == text


# --- what is not there ----------------------------------------------------------------------------------------------


def test_a_deleted_message_and_an_unknown_channel_are_absent(world):
    post = world.share("telegram", "harbourwatch/12", "The crane", AT)
    world.delete(post)
    finding = found(world, "harbourwatch/12")
    assert (finding.outcome, finding.tombstone) == (Outcome.ABSENT, "Post not found")
    finding = found(world, "nobodyhere/12")
    assert (finding.outcome, finding.reason) == (Outcome.ABSENT, Reason.NOT_FOUND)
    assert "Channel with username" in finding.tombstone


def test_a_members_link_is_private_and_nobody_is_asked(world):
    finding = found(world, "c/1234567890/5")
    assert (finding.outcome, finding.reason) == (Outcome.HIDDEN, Reason.PROTECTED)
    assert world.log == []


def test_what_only_the_app_shows_is_hidden_in_telegrams_words(world):
    world.share("telegram", "harbourwatch/12", "", AT, unseen="Please open Telegram to view this post")
    finding = found(world, "harbourwatch/12")
    assert (finding.outcome, finding.tombstone) == (Outcome.HIDDEN, "Please open Telegram to view this post")


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (429, Outcome.REFUSED, Reason.RATE_LIMITED),
        (403, Outcome.REFUSED, Reason.BLOCKED),
        (502, Outcome.REFUSED, Reason.SERVER_ERROR),
    ],
)
def test_a_refusal_says_nothing_of_the_message(world, status, outcome, reason):
    world.share("telegram", "harbourwatch/12", "The crane", AT)
    world.trouble("t.me", status=status)
    finding = found(world, "harbourwatch/12")
    assert (finding.outcome, finding.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/x.js></script>", Reason.BLOCKED),
        ("<title>Log in to Telegram</title><form></form>", Reason.LOGIN_WALL),
    ],
)
def test_a_page_in_the_way_is_a_refusal_whatever_its_status(page, reason):
    finding = read_page(capture("https://t.me/a", page), ref("harbourwatch/12"))
    assert (finding.outcome, finding.reason) == (Outcome.REFUSED, reason)


def test_a_page_about_another_message_is_not_taken_for_it(world):
    world.share("telegram", "harbourwatch/13", "Another", AT)
    answer = world.get(embed_url(ref("harbourwatch/13")))
    with pytest.raises(ParseError, match="harbourwatch/13"):
        read_page(capture("https://t.me/a", answer.body), ref("harbourwatch/12"))


def test_silence_is_a_finding():
    finding = drive(
        SOURCES["embed"].look(ref("harbourwatch/12"), Claim()), {embed_url(ref("harbourwatch/12")): Unreachable("x")}
    )
    assert finding.outcome is Outcome.UNREACHABLE


# --- web archives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["https://t.me/harbourwatch/12?embed=1&mode=tme", "https://t.me/s/harbourwatch/12"])
def test_an_archived_page_still_shows_a_deleted_message(world, form):
    post = world.share("telegram", "harbourwatch/12", "The crane", AT, [photo()])
    other = world.share("telegram", "harbourwatch/1", "Another", AT)
    kept_at = AT + dt.timedelta(days=1)
    world.memento("https://t.me/harbourwatch/12", kept_at, world.get("https://t.me/harbourwatch/12").body)
    world.memento(form, kept_at, world.get(form).body)
    world.memento(post.file(post.media[0]), kept_at, post.media[0].bytes(), mime="image/jpeg")
    world.delete(post)
    finding = found(world, "harbourwatch/12", "wayback")
    assert (finding.outcome, finding.observed_at, finding.post.text) == (Outcome.FOUND, kept_at, "The crane")
    live, archived = finding.post.media[0].urls
    assert (world.get(live).status, world.get(archived).payload) == (404, post.media[0].bytes())
    assert found(world, other.name, "wayback").outcome in {Outcome.ABSENT, Outcome.FOUND}


def test_an_archived_absence_or_landing_page_decides_nothing(world):
    world.share("telegram", "harbourwatch/12", "The crane", AT)
    gone = world.get("https://t.me/harbourwatch/99?embed=1&mode=tme").body
    world.memento("https://t.me/harbourwatch/12?embed=1", AT + dt.timedelta(days=1), gone)
    world.memento("https://t.me/harbourwatch/12", AT + dt.timedelta(days=1), "<title>Telegram: View</title>")
    finding = found(world, "harbourwatch/12", "wayback")
    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, Reason.UNKNOWN)


def test_what_was_never_archived_is_said_to_be_so(world):
    assert found(world, "harbourwatch/12", "wayback").reason is Reason.NOT_ARCHIVED


# --- any bytes ------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        '<div class="tgme_widget_message" data-post="ab/1">',
        '<div class="tgme_widget_message_error">Post not found</div>',
        '<div class="js-message_text">', "<a class='tgme_widget_message_photo_wrap' style='background-image:url(http://[)'>",
        '<a class="tgme_widget_message_video_player" href="//t.me/ab/2">', "<video src='x'>", "<time>1:99:9</time>",
        "</div>",
        '<a class="tgme_widget_message_date"><time datetime="9999-13-01">', "<br>", "<!--", "<![x", "&#xD800;", "</a>",
        "text",
        '<time datetime="0001-01-01T00:00:00+23:00"></time>', '<span class="tgme_widget_message_views">9,9.9K</span>',
        '<div class="tgme_widget_message_grouped_wrap"><a href="https://t.me/ab/1?single">', "<title>Log in</title>",
    ]
)  # fmt: skip


@given(pieces=st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=25))
def test_any_markup_ends_in_a_finding_or_a_parse_error(pieces):
    try:
        finding = read_page(capture("https://t.me/ab/1", "".join(pieces).encode("utf-8", "replace")), ref("ab/1"))
    except ParseError:
        return
    assert finding.post is None or dataclasses.replace(finding.post).ref == ref("ab/1")


@given(raw=st.binary(max_size=300), status=st.sampled_from([200, 301, 403, 404, 429, 500]))
def test_any_bytes_end_in_a_finding_or_a_parse_error(raw, status):
    with contextlib.suppress(ParseError):
        assert read_page(capture("https://t.me/ab/1", raw, status), ref("ab/1")).post is None
