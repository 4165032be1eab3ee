"""YouTube, Reddit, TikTok, Instagram, Threads and Facebook, as far as their keyless endpoints reach, and no further."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt

import pytest
from drive import capture, exchange, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, Outcome, Post, PostRef, Rank, Reason, Resolution, canonical
from archiver.model import as_json as plain
from archiver.platforms import facebook, instagram, platforms, reddit, threads, tiktok, youtube
from tests.simulator.look import look
from tests.simulator.world import Uncertain, World, photo, video

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
VIDEO = "dQw4w9WgXcQ"
CLIP = "7170520270497680683"


def found(world: World, network: str, id: str, source: str = "oembed", claim: Claim | None = None) -> Finding:
    each = {source.name: source for source in platforms()[network].sources()}[source]
    return look(world, each.look(PostRef(network, id), claim or Claim()))


def shown(world: World, network: str, id: str, source: str = "oembed", claim: Claim | None = None) -> Post:
    finding = found(world, network, id, source, claim)
    assert (finding.outcome, finding.reason) == (Outcome.FOUND, Reason.OK), finding
    assert finding.post is not None and finding.post.ref == PostRef(network, id)
    return finding.post


def resolved(world: World, network: str, url: str) -> Resolution:
    resolve = platforms()[network].resolve
    assert resolve is not None
    return look(world, resolve(Claim(), url))


def real(path: str) -> Capture:
    """A real exchange, whose recorder undid the content coding and kept the header."""
    answer = exchange(path)
    return dataclasses.replace(answer, headers=tuple(h for h in answer.headers if h[0].lower() != "content-encoding"))


# --- real payloads --------------------------------------------------------------------------------------------------


@needs_shared
def test_youtubes_real_answer_is_read():
    post = youtube.read_oembed(real("youtube/oembed-video.2024.http.json"), PostRef("youtube", "eiHXASgRTcA")).post
    assert (post.author.name, post.author.handle) == ("smshdchrb", "smshdchrb")
    assert post.text.startswith("Noisy kittens") and post.created_at is None
    still, film = post.media
    assert still.urls[-1] == "https://i.ytimg.com/vi/eiHXASgRTcA/hqdefault.jpg" and (still.width, still.height) == (
        480,
        360,
    )
    assert (film.kind, film.urls) == ("video", ())


@needs_shared
def test_tiktoks_real_answer_is_read():
    post = tiktok.read_oembed(real("tiktok/oembed.2024.http.json"), PostRef("tiktok", "6806030056956251397")).post
    assert (post.author.handle, post.author.name) == ("a3noticias", "Antena 3 Noticias")
    assert post.text.startswith("Nuestro #Aplauso") and post.text.endswith("#QuédateEnCasa")
    assert post.url == "https://www.tiktok.com/@a3noticias/video/6806030056956251397"
    assert [(each.kind, len(each.urls), each.width) for each in post.media] == [("photo", 1, 480), ("video", 0, None)]


@needs_shared
def test_reddits_real_answer_is_read():
    post = reddit.read_oembed(real("reddit/oembed.2024.http.json"), PostRef("reddit", "7pfpeq")).post
    assert post.author.handle == "dennisrieves" and post.text.startswith("Buffett on")
    assert post.is_truncated and post.media == ()


@needs_shared
@pytest.mark.parametrize(
    ("read", "path", "ref"),
    [
        (youtube.read_oembed, "youtube/oembed-video.2024.http.json", PostRef("youtube", VIDEO)),
        (tiktok.read_oembed, "tiktok/oembed.2024.http.json", PostRef("tiktok", CLIP)),
        (reddit.read_oembed, "reddit/oembed.2024.http.json", PostRef("reddit", "abc123")),
    ],
)
def test_a_real_answer_is_not_taken_for_another_posts(read, path, ref):
    with pytest.raises(ParseError, match="asked for"):
        read(real(path), ref)


@needs_shared
def test_instagrams_older_embed_code_quotes_and_its_newer_one_does_not(shared):
    for name, code, outcome in (
        ("v12", "BwwONCplEyj", Outcome.FOUND),
        ("v14-captioned", "Ci22crtrcRL", Outcome.HIDDEN),
    ):
        markup = (shared / f"fixtures/embeds/instagram/blockquote-{name}.html").read_text()
        answer = capture("https://graph.facebook.com/", {"html": markup, "type": "rich"})
        finding = instagram.read_oembed(answer, PostRef("instagram", code))
        assert finding.outcome is outcome
        if finding.post:
            assert (finding.post.author.handle, finding.post.author.name) == ("britishvogue", "British Vogue")
            assert finding.post.created_at == dt.datetime(2019, 4, 27, 9, 10, 49, tzinfo=dt.UTC)
        else:
            assert finding.tombstone == "A post shared by Chateau La Coste (@chateaulacoste)"


# --- YouTube --------------------------------------------------------------------------------------------------------


def test_a_video_is_named_as_not_archived_and_its_still_is_kept(world):
    world.share("youtube", VIDEO, "The crane comes down & up", AT, [photo()], handle="harbourwatch", author="Harbour")
    post = shown(world, "youtube", VIDEO)
    assert (post.text, post.author.handle, post.author.name) == ("The crane comes down & up", "harbourwatch", "Harbour")
    assert "video itself" in dict(post.extra)["not_archived"]
    still, film = post.media
    assert world.get(still.urls[-1]).status == 200 and film.urls == ()


@pytest.mark.parametrize("status", [401, 403])
def test_a_video_not_to_be_embedded_is_hidden_whichever_way_it_is_said(world, status):
    world.uncertain = dataclasses.replace(Uncertain(), youtube_hidden=status)
    world.protect_post(world.share("youtube", VIDEO, "Private", AT))
    finding = found(world, "youtube", VIDEO)
    assert (finding.outcome, finding.reason) == (Outcome.HIDDEN, Reason.UNKNOWN)
    assert finding.tombstone in {"Unauthorized", "Forbidden"}


def test_a_page_with_that_status_refuses_us_and_says_nothing_of_the_video():
    page = capture("https://www.youtube.com/oembed", "<html><title>Sorry</title>unusual traffic</html>", 403)
    finding = youtube.read_oembed(page, PostRef("youtube", VIDEO))
    assert (finding.outcome, finding.reason) == (Outcome.REFUSED, Reason.BLOCKED)


def test_a_deleted_video_is_absent(world):
    world.delete(world.share("youtube", VIDEO, "Gone", AT))
    finding = found(world, "youtube", VIDEO)
    assert (finding.outcome, finding.reason, finding.tombstone) == (Outcome.ABSENT, Reason.NOT_FOUND, "Not Found")


# --- Reddit ---------------------------------------------------------------------------------------------------------


def test_a_text_post_is_whole(world):
    world.share("reddit", "abc123", "A title\n\nThe *text* of it", AT, handle="crane_spotter", subreddit="harbours")
    post = shown(world, "reddit", "abc123", "json")
    assert (post.text, post.author.handle, post.created_at) == ("A title\n\nThe *text* of it", "crane_spotter", AT)
    assert (post.url, post.links, dict(post.counts)["score"]) == (
        "https://www.reddit.com/r/harbours/comments/abc123/a_title/", (), 120,
    )  # fmt: skip
    assert dict(post.extra)["title"] == "A title"


def test_a_picture_a_gallery_and_a_film_are_named_where_reddit_serves_them(world):
    one = world.share("reddit", "aaa111", "One", AT, [photo()])
    (picture,) = shown(world, "reddit", "aaa111", "json").media
    assert world.get(picture.urls[0]).payload == one.media[0].bytes()
    many = world.share("reddit", "aaa222", "Many", AT, [photo(alt="first"), photo(640, 480)])
    gallery = shown(world, "reddit", "aaa222", "json").media
    assert [each.alt for each in gallery] == ["first", None]
    assert [world.get(each.urls[0]).payload for each in gallery] == [each.bytes() for each in many.media]
    moving = world.share("reddit", "aaa333", "Moving", AT, [video(seconds=2)])
    (film,) = shown(world, "reddit", "aaa333", "json").media
    assert (film.kind, film.duration, world.get(film.urls[0]).payload) == ("video", 2.0, moving.media[0].bytes())
    assert [each.content_type for each in film.variants] == ["video/mp4", "application/vnd.apple.mpegurl"]


def test_a_comment_is_read_and_knows_what_it_answers(world):
    comments = [("cmt111", "gull", "It fell.", "t3_abc123"), ("cmt222", "tern", "It did not.", "t1_cmt111")]
    world.share("reddit", "abc123", "A title", AT, comments=comments)
    post = shown(world, "reddit", "abc123/cmt222", "json")
    assert (post.text, post.author.handle, post.reply_to) == (
        "It did not.", "tern", PostRef("reddit", "abc123/cmt111"),
    )  # fmt: skip
    assert shown(world, "reddit", "abc123/cmt111", "json").reply_to == PostRef("reddit", "abc123")
    assert found(world, "reddit", "abc123/cmt999", "json").outcome is Outcome.ABSENT


def test_what_its_author_deleted_is_gone_and_what_others_removed_is_hidden(world):
    world.delete(world.share("reddit", "abc123", "A title\n\nA text", AT))
    finding = found(world, "reddit", "abc123", "json")
    assert (finding.outcome, finding.reason) == (Outcome.GONE, Reason.DELETED)
    world.share("reddit", "abc124", "A title\n\nA text", AT, removed_by="moderator")
    finding = found(world, "reddit", "abc124", "json")
    assert (finding.outcome, finding.reason) == (Outcome.HIDDEN, Reason.UNKNOWN)
    assert finding.tombstone == "A title [removed] (moderator)"


@pytest.mark.parametrize(("status", "reason"), [(403, Reason.BLOCKED), (429, Reason.RATE_LIMITED)])
def test_reddit_refusing_programs_says_nothing_of_the_post_and_oembed_still_names_it(world, status, reason):
    world.uncertain = dataclasses.replace(Uncertain(), reddit_programs=status)
    world.share("reddit", "abc123", "A title\n\nA text", AT, handle="crane_spotter")
    finding = found(world, "reddit", "abc123", "json")
    assert (finding.outcome, finding.reason) == (Outcome.REFUSED, reason)
    post = shown(world, "reddit", "abc123")
    assert (post.text, post.author.handle, post.is_truncated) == ("A title", "crane_spotter", True)


@pytest.mark.parametrize("kind", ["private", "quarantined"])
def test_a_closed_subreddit_hides_its_posts(world, kind):
    world.share("reddit", "abc123", "A title", AT, subreddit_type=kind)
    finding = found(world, "reddit", "abc123", "json")
    assert (finding.outcome, finding.reason, finding.tombstone) == (Outcome.HIDDEN, Reason.PROTECTED, kind)


# --- TikTok ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", ["sigmachad", None])
def test_a_clip_is_read_with_or_without_its_authors_name(world, handle):
    world.share("tiktok", CLIP, "Dancing #crane", AT, [video(360, 640)], handle="sigmachad", author="Sigma")
    post = shown(world, "tiktok", CLIP, claim=Claim(handle=handle))
    assert (post.text, post.author.handle, post.author.name) == ("Dancing #crane", "sigmachad", "Sigma")
    still, film = post.media
    assert world.get(still.urls[0]).status == 200 and (film.kind, film.urls) == ("video", ())
    (asked,) = world.asked("www.tiktok.com")
    assert asked.query["url"] == f"https://www.tiktok.com/@{handle or '_'}/video/{CLIP}"


@pytest.mark.parametrize(("status", "outcome"), [(400, Outcome.UNKNOWN), (404, Outcome.ABSENT)])
def test_only_a_404_is_word_of_a_missing_clip(world, status, outcome):
    world.uncertain = dataclasses.replace(Uncertain(), tiktok_missing=status)
    finding = found(world, "tiktok", CLIP)
    assert (finding.outcome, finding.tombstone) == (outcome, "Something went wrong")


# --- Meta -----------------------------------------------------------------------------------------------------------

META = [
    ("instagram", "CYokA48MWDA", "oembed"),
    ("threads", "DNJQOX0RA08", "oembed"),
    ("facebook", "2165642433537707", "oembed-post"),
]


@pytest.mark.parametrize(("network", "id", "source"), META)
def test_meta_shows_what_its_embed_code_quotes_and_nothing_more(world, network, id, source):
    world.share(network, id, "The crane is down", AT, handle="harbourwatch", author="Harbour Watch", quotes=True)
    post = shown(world, network, id, source, Claim(handle="harbourwatch"))
    assert (post.text, post.author.handle) == ("The crane is down", "harbourwatch")
    assert "not_archived" in dict(post.extra)
    assert all(each.urls == () for each in post.media)


@pytest.mark.parametrize(("network", "id", "source"), META)
def test_an_embed_code_without_words_is_a_post_that_is_there_and_not_shown(world, network, id, source):
    world.share(network, id, "The crane is down", AT, handle="harbourwatch", author="Harbour Watch")
    finding = found(world, network, id, source)
    assert (finding.outcome, finding.reason, finding.post) == (Outcome.HIDDEN, Reason.LOGIN_WALL, None)


def test_facebook_gives_the_day_and_its_videos_are_asked_for_apart(world):
    world.share("facebook", "2165642433537707", "The crane", AT, handle="harbourwatch", quotes=True, kind="video")
    assert found(world, "facebook", "2165642433537707", "oembed-post").outcome is Outcome.UNKNOWN
    post = shown(world, "facebook", "2165642433537707", "oembed-video")
    assert post.created_on == dt.date(2024, 8, 7)


@pytest.mark.parametrize("status", [400, 404])
def test_metas_errors_never_prove_that_a_facebook_post_is_gone(world, status):
    world.uncertain = dataclasses.replace(Uncertain(), meta_missing=status)
    for source in ("oembed-post", "oembed-video"):
        finding = found(world, "facebook", "2165642433537707", source)
        assert finding.outcome is Outcome.UNKNOWN and "does not exist" in finding.tombstone
    expected = Outcome.UNKNOWN if status == 400 else Outcome.ABSENT
    assert found(world, "instagram", "CYokA48MWDA").outcome is expected


def meta(html: str, **more: object) -> Capture:
    return capture("https://graph.facebook.com/", {"version": "1.0", "type": "rich", "html": html, **more})


@pytest.mark.parametrize(
    "words", ["Post by @quay.watch", "@quay.watch", "Photo by @quay.watch"], ids=["post", "name", "photo"]
)
def test_what_a_threads_embed_code_says_of_itself_is_not_the_posts_text(words):
    link = "https://www.threads.com/@quay.watch/post/DNJQOX0RA08"
    code = (
        f'<blockquote class="text-post-media" data-text-post-permalink="{link}" data-text-post-version="0"> '
        f'<a href="{link}" target="_blank"> <div><div> <svg aria-label="Threads"></svg></div> <div> {words}</div> '
        "<div> View on Threads</div></div></a>{}</blockquote>"
    )
    finding = threads.read_oembed(meta(code.format("")), PostRef("threads", "DNJQOX0RA08"))
    assert (finding.outcome, finding.post, finding.tombstone) == (Outcome.HIDDEN, None, "@quay.watch")
    quoted = threads.read_oembed(meta(code.format("<p>It fell</p>")), PostRef("threads", "DNJQOX0RA08"))
    assert (quoted.post.text, quoted.post.author.handle) == ("It fell", "quay.watch")


INSTAGRAM = (
    '<blockquote class="instagram-media" data-instgrm-captioned data-instgrm-permalink="https://www.instagram.com/p/'
    'CYokA48MWDA/"><div>{}<p><a href="https://www.instagram.com/p/CYokA48MWDA/">{}</a></p></div></blockquote>'
)
POSTED = PostRef("instagram", "CYokA48MWDA")


@pytest.mark.parametrize(
    ("byline", "name"),
    [
        ("Ein Beitrag geteilt von Quay Watch (@quay.watch)", "Quay Watch"),
        ("Una publicación compartida por Quay Watch (@quay.watch)", "Quay Watch"),
        ("Quay Watch (Port)(@quay.watch)がシェアした投稿", None),
    ],
)
def test_who_posted_is_no_caption_in_whatever_language(byline, name):
    finding = instagram.read_oembed(meta(INSTAGRAM.format("", byline)), POSTED)
    assert (finding.outcome, finding.reason, finding.tombstone) == (Outcome.HIDDEN, Reason.LOGIN_WALL, byline)
    post = instagram.read_oembed(meta(INSTAGRAM.format("<p>It fell</p>", byline)), POSTED).post
    assert (post.text, post.author.handle, post.author.name) == ("It fell", "quay.watch", name)


def test_a_caption_that_names_somebody_is_not_taken_for_who_posted():
    code = INSTAGRAM.format("<p>Photo shared by Ana (@ana)</p>", "A post shared by Quay Watch (@quay.watch)")
    post = instagram.read_oembed(meta(code), POSTED).post
    assert (post.text, post.author.handle) == ("Photo shared by Ana (@ana)", "quay.watch")


def test_what_older_answers_told_beside_the_code_is_kept():
    still = "https://scontent.example/v/1.jpg"
    answer = meta(
        INSTAGRAM.format("", "A post shared by Quay Watch (@quay.watch)"), title="It fell", author_name="quay.watch",
        author_id=4219314927, thumbnail_url=still, thumbnail_width=640, thumbnail_height=480,
    )  # fmt: skip
    post = instagram.read_oembed(answer, POSTED).post
    assert (post.text, post.author.handle, post.author.id) == ("It fell", "quay.watch", "4219314927")
    assert [(each.kind, each.urls, each.width) for each in post.media] == [
        ("photo", (still,), 640),
        ("unknown", (), None),
    ]


@pytest.mark.parametrize(
    ("code", "reason"), [(4, Reason.RATE_LIMITED), (190, Reason.LOGIN_WALL), (1, Reason.BAD_REQUEST)]
)
def test_the_graph_apis_codes_are_told_apart(code, reason):
    answer = capture("https://graph.facebook.com/", {"error": {"message": "No", "code": code}}, 400)
    finding = instagram.read_oembed(answer, PostRef("instagram", "CYokA48MWDA"))
    assert (finding.reason, finding.tombstone) == (reason, "No")


# --- soft failures --------------------------------------------------------------------------------------------------

READERS = [
    (youtube.read_oembed, PostRef("youtube", VIDEO)),
    (tiktok.read_oembed, PostRef("tiktok", CLIP)),
    (reddit.read_oembed, PostRef("reddit", "abc123")),
    (reddit.read_json, PostRef("reddit", "abc123")),
    (reddit.read_json, PostRef("reddit", "abc123/cmt111")),
    (instagram.read_oembed, PostRef("instagram", "CYokA48MWDA")),
    (threads.read_oembed, PostRef("threads", "DNJQOX0RA08")),
    (facebook.read_oembed, PostRef("facebook", "2165642433537707")),
]
NAMES = [f"{ref.platform}-{read.__name__}-{number}" for number, (read, ref) in enumerate(READERS)]


@pytest.mark.parametrize(("read", "ref"), READERS, ids=NAMES)
@pytest.mark.parametrize(
    ("page", "outcome", "reason"),
    [
        ("<title>Log in to Facebook</title>", Outcome.REFUSED, Reason.LOGIN_WALL),
        ("<title>Before you continue to YouTube</title>", Outcome.REFUSED, Reason.BLOCKED),
        ("<title>Reddit - Please wait for verification</title>", Outcome.REFUSED, Reason.BLOCKED),
        ("{}", Outcome.UNKNOWN, Reason.UNKNOWN),
    ],
)
def test_a_page_in_the_way_or_an_empty_object_with_status_200_is_no_post(read, ref, page, outcome, reason):
    finding = read(capture("https://x.example/oembed", page), ref)
    assert (finding.outcome, finding.reason, finding.post) == (outcome, reason, None)


@pytest.mark.parametrize(("read", "ref"), READERS, ids=NAMES)
def test_a_redirect_to_a_login_or_consent_page_is_a_refusal(read, ref):
    for there in ("https://x.example/accounts/login/?next=a", "https://consent.youtube.com/m?continue=a"):
        answer = capture("https://x.example/oembed", b"", 302, {"location": there})
        assert read(answer, ref).outcome is Outcome.REFUSED


# --- short links ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["https://vm.tiktok.com", "//vt.tiktok.com", "https://www.tiktok.com/t"])
def test_a_tiktok_short_link_leads_to_its_clip_without_fetching_the_page(world, host):
    world.share("tiktok", CLIP, "Dancing", AT, handle="sigmachad", short="ZTR45GpSF")
    resolution = resolved(world, "tiktok", f"{host}/ZTR45GpSF/")
    assert (resolution.ref, resolution.rung) == (PostRef("tiktok", CLIP), "shortlink")
    assert resolution.evidence[-1].capture is not None
    assert len(world.log) == 1


def test_a_reddit_share_link_leads_to_its_post(world):
    world.share("reddit", "abc123", "A title", AT, share="abc456GHIJ")
    resolution = resolved(world, "reddit", "https://www.reddit.com/r/harbours/s/abc456GHIJ")
    assert resolution.ref == PostRef("reddit", "abc123")


@pytest.mark.parametrize("is_walled", [False, True])
def test_a_facebook_short_link_names_its_post_even_at_the_login_wall(world, is_walled):
    world.share("facebook", "2165642433537707", "x", AT, handle="harbourwatch", watch="a1B2c3D4e5", is_walled=is_walled)
    for url in ("https://fb.watch/a1B2c3D4e5/", "https://www.facebook.com/share/p/a1B2c3D4e5/"):
        assert resolved(world, "facebook", url).ref == PostRef("facebook", "2165642433537707")


def test_a_login_wall_that_names_nothing_is_said_to_be_one(world):
    assert resolved(world, "facebook", "https://fb.watch/zzzzzzzz/").reason is Reason.LOGIN_WALL


def test_a_dead_short_link_is_followed_as_archived_in_its_exact_case(world):
    post = world.share("tiktok", CLIP, "Dancing", AT, handle="sigmachad")
    other = f"https://www.tiktok.com/@x/video/{int(CLIP) + 1}"
    world.memento("https://vm.tiktok.com/zTR45gpsf/", AT, b"", status=301, headers=[("location", other)])
    assert resolved(world, "tiktok", "https://vm.tiktok.com/ZTR45GpSF/").reason is Reason.LINK_DEAD
    world.memento("https://vm.tiktok.com/ZTR45GpSF/", AT, b"", status=301, headers=[("location", post.url)])
    resolution = resolved(world, "tiktok", "https://vm.tiktok.com/ZTR45GpSF/")
    assert (resolution.ref, resolution.rung) == (PostRef("tiktok", CLIP), "archived-shortlink")


def test_a_short_link_never_leads_us_to_another_network(world):
    world.page("https://www.reddit.com/r/harbours/s/elsewhere", "")
    world.share("reddit", "abc123", "A title", AT)
    answers = [capture("https://vm.tiktok.com/x12345", b"", 301, {"location": "https://evil.example/@a/video/1"})]
    steps = tiktok.PLATFORM.resolve(Claim(), "https://vm.tiktok.com/x12345")
    next(steps)
    request = steps.send(answers[0])
    assert request.url.startswith("https://web.archive.org/")
    with pytest.raises(StopIteration) as end:
        steps.send(capture(request.url, "[]"))
    assert (end.value.value.ref, end.value.value.reason) == (None, Reason.LINK_ELSEWHERE)


# --- networks without a source --------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["vk", "linkedin"])
def test_networks_nobody_verified_an_endpoint_of_have_no_source(network):
    assert platforms()[network].sources() == ()


def test_every_source_says_whom_it_asks_and_on_what_terms():
    for network in ("telegram", "youtube", "tiktok", "reddit", "instagram", "threads", "facebook"):
        for source in platforms()[network].sources():
            assert source.hosts and source.terms.endswith(".") and source.rank in Rank


# --- any bytes ------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["html", "title", "author_name", "author_url", "thumbnail_url", "data", "children", "kind", "t3", "t1", "id",
     "abc123",
     "cmt111", "selftext", "body", "url", "https://i.redd.it/a.jpg", "media_metadata", "gallery_data", "items",
     "media_id",
     "s", "u", "error", "code", "created_utc", "secure_media", "reddit_video", "fallback_url", "author", "permalink",
     "<blockquote class=instagram-media><p>x", "<blockquote class=text-post-media>x", "crosspost_parent_list", "\ud800",
     "<div class=fb-post data-href=x><blockquote><p>x</p><a href=//[>", "http://[", "embed_product_id", "poll_data"]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=25,
)


def ends_well(read, answer, ref) -> None:
    """A Post that can be kept, a named absence, or a ParseError: nothing else."""
    with contextlib.suppress(ParseError):
        finding = read(answer, ref)
        assert isinstance(finding, Finding) and canonical(plain(finding))
        assert finding.post is None or finding.post.ref == ref


@pytest.mark.parametrize(("read", "ref"), READERS, ids=NAMES)
@given(value=JSON)
def test_any_json_ends_in_a_post_an_absence_or_a_parse_error(read, ref, value):
    ends_well(read, capture("https://x.example/", value), ref)


@pytest.mark.parametrize("ref", [PostRef("reddit", "abc123"), PostRef("reddit", "abc123/cmt111")], ids=str)
@given(about=st.dictionaries(WORDS, JSON, max_size=8))
def test_any_reddit_thing_ends_well(ref, about):
    kind, _, id = ("t1", "", "cmt111") if "/" in ref.id else ("t3", "", "abc123")
    listing = {"data": {"children": [{"kind": kind, "data": {**about, "id": id}}]}}
    ends_well(reddit.read_json, capture("https://x.example/", [listing, listing]), ref)


@pytest.mark.parametrize(("read", "ref"), READERS, ids=NAMES)
@given(raw=st.binary(max_size=200), status=st.sampled_from([200, 301, 400, 401, 403, 404, 429, 500]))
def test_any_bytes_end_in_an_absence_or_a_parse_error(read, ref, raw, status):
    ends_well(read, capture("https://x.example/", raw, status), ref)


# --- what Reddit's answers hold besides -----------------------------------------------------------------------------


def submission(**more: object) -> dict[str, object]:
    about = {"id": "abc123", "title": "The crane", "selftext": "", "author": "gull", "created_utc": 1767225600.0}
    return about | {"permalink": "/r/harbours/comments/abc123/the_crane/", **more}


def read(**more: object) -> Finding:
    listing = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": submission(**more)}]}}
    return reddit.read_json(
        capture("https://www.reddit.com/comments/abc123/.json", [listing]), PostRef("reddit", "abc123")
    )


def preview(url: str, **variants: object) -> dict[str, object]:
    source = {"url": url, "width": 640, "height": 480}
    return {"preview": {"images": [{"source": source, "resolutions": [], "variants": variants}]}}


def test_a_film_within_a_text_is_a_film():
    """`RedditVideo` in `media_metadata`: it has playlists in place of a picture."""
    playlist = "https://v.redd.it/link/abc123/asset/v3crs8/HLSPlaylist.m3u8?a=1&amp;v=1"
    held = {
        "status": "valid",
        "e": "RedditVideo",
        "x": 1920,
        "y": 1080,
        "hlsUrl": playlist,
        "id": "v3crs8",
        "isGif": False,
    }
    (film,) = read(is_self=True, media_metadata={"v3crs8": held}).post.media
    assert (film.kind, film.key, film.urls) == ("video", "v3crs8", (playlist.replace("&amp;", "&"),))
    assert (film.width, film.height) == (1920, 1080)


def test_a_picture_that_was_not_ready_is_called_neither_picture_nor_film():
    assert [each.kind for each in read(media_metadata={"a": {"status": "unprocessed"}}).post.media] == ["unknown"]


def test_a_film_that_reddit_has_not_prepared_is_one_all_the_same():
    still = "https://external-preview.redd.it/a.png?format=pjpg&amp;s=1"
    post = read(
        url="https://v.redd.it/cvp7y0", is_video=True, media=None, post_hint="hosted:video", **preview(still)
    ).post
    (film,) = post.media
    assert (film.kind, film.urls) == ("video", ("https://v.redd.it/cvp7y0/HLSPlaylist.m3u8",))
    assert (film.poster, post.links) == (still.replace("&amp;", "&"), ())


def test_a_picture_of_another_host_is_one_of_the_posts_and_reddits_copy_stands_in_for_it():
    link, copy = "https://pictures.example/crane.jpg", "https://external-preview.redd.it/c.jpg?s=1"
    (picture,) = read(url=link, post_hint="image", **preview(copy)).post.media
    assert (picture.kind, picture.urls, picture.width, picture.height) == ("photo", (link, copy), 640, 480)
    gif = "https://pictures.example/crane.gif"
    moving = {"mp4": {"source": {"url": "https://external-preview.redd.it/c.gif?format=mp4&amp;s=2"}}}
    (film,) = read(url=gif, post_hint="image", **preview(copy, **moving)).post.media
    assert (film.kind, film.poster) == ("gif", copy)
    assert film.urls == (gif, "https://external-preview.redd.it/c.gif?format=mp4&s=2")
    assert read(url="https://news.example/crane", post_hint="link", **preview(copy)).post.media == ()


def test_what_reddit_made_of_another_hosts_gif_is_kept():
    made = {
        "fallback_url": "https://v.redd.it/qshx/DASH_9_6_M", "hls_url": "https://v.redd.it/qshx/HLSPlaylist.m3u8",
        "width": 608, "height": 1080, "duration": 12, "is_gif": True,
    }  # fmt: skip
    (film,) = read(url="https://pictures.example/a.gifv", preview={"reddit_video_preview": made}).post.media
    assert (film.kind, film.key, film.urls[0], film.duration) == ("gif", "qshx", made["fallback_url"], 12.0)


def test_the_size_of_a_picture_is_that_of_its_preview():
    (picture,) = read(
        url="https://i.redd.it/z5mux8.png", **preview("https://preview.redd.it/z5mux8.png?s=1")
    ).post.media
    assert (picture.urls, picture.width, picture.height) == (("https://i.redd.it/z5mux8.png",), 640, 480)


def test_what_a_crosspost_shows_comes_with_it():
    origin = submission(id="xyz789", title="The berth", selftext="It is open", permalink="/r/docks/comments/xyz789/b/")
    finding = read(crosspost_parent="t3_xyz789", crosspost_parent_list=[origin], url="/r/docks/comments/xyz789/b/")
    assert finding.post.quotes == PostRef("reddit", "xyz789")
    assert [(each.ref.id, each.text) for each in finding.also] == [("xyz789", "The berth\n\nIt is open")]
    removed = origin | {"selftext": "[removed]"}
    assert read(crosspost_parent="t3_xyz789", crosspost_parent_list=[removed]).also == ()


def test_votes_times_and_cards_are_kept():
    poll = {
        "options": [{"text": "Yes", "vote_count": 40, "id": "1"}, {"text": "No", "vote_count": 14, "id": "2"}],
        "voting_end_timestamp": 1588379995927,
        "total_vote_count": 54,
    }
    shown = {
        "title": "It falls",
        "author_name": "gull",
        "provider_name": "YouTube",
        "thumbnail_url": "https://i.example/1",
    }
    extra = dict(read(poll_data=poll, edited=1546379983.0, secure_media={"type": "x", "oembed": shown}).post.extra)
    assert extra["poll"] == {
        "options": [{"title": "Yes", "votes": 40}, {"title": "No", "votes": 14}],
        "votes": 54,
        "ends_at": "2020-05-02T00:39:55.927000Z",
    }
    assert (extra["edited"], extra["edited_at"]) == (True, "2019-01-01T21:59:43.000000Z")
    assert extra["card"] == {
        "title": "It falls", "author_name": "gull", "provider_name": "YouTube", "thumb": "https://i.example/1",
    }  # fmt: skip


def test_the_address_of_a_text_post_is_no_link_of_it():
    assert read(is_self=True, url="https://old.reddit.example/whatever").post.links == ()
