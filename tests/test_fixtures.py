"""Every real embed code of the collection is read into its post, with what the article says of it; goldens by
hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from drive import SHARED, needs_shared

from archiver.articles import embeds
from archiver.model import Kind

FIXTURES = SHARED / "fixtures"

# --- embed codes ----------------------------------------------------------------------------------------------------

SIMON = "did:plc:kft6lu4trxowqmter2b6vg6z/3leyztswv5k2q"
#: file: (post, handle, name, day, how the text begins)
EMBEDS: dict[str, tuple[str, str | None, str | None, str | None, str | None]] = {
    "amp/amp-twitter.html": (
        "twitter:638793490521001985", "cramforce", "Malte Ubl", "2015-09-01", "I only needed to change some CSS.",
    ),
    "bluesky/copycode-2025.html": (
        f"bluesky:{SIMON}", "simonwillison.net", "Simon Willison", "2025-01-05", "I'd love to build a custom @bsky.app",
    ),
    "facebook/plugins-post-iframe.html": ("facebook:2165642433537707", None, None, None, None),
    "instagram/blockquote-v12.html": (
        "instagram:BwwONCplEyj", "britishvogue", "British Vogue", "2019-04-27", "View this post on Instagram",
    ),
    "instagram/blockquote-v14-captioned.html": (
        "instagram:Ci22crtrcRL", "chateaulacoste", "Chateau La Coste", None, "View this post on Instagram",
    ),
    "linkedin/iframe.html": ("linkedin:ugcPost:7162487457991647232", None, None, None, None),
    "mastodon/iframe-old.html": ("mastodon:mastodon.social/112083281191909486", "tbaxter", None, None, None),
    "threads/blockquote-head.html": ("threads:DNJQOX0RA08", "themichaellamb", None, None, None),
    "tiktok/blockquote.html": ("tiktok:6849106362224413958", "danbanbam", None, None, None),
    "twitter/blockquote-2012-tw-align-center.html": (
        "twitter:370525864523743232", "ironshay", "Shay Friedman", "2013-08-22", "Drinking game for web devs:",
    ),
    "twitter/blockquote-datalang-reply.html": (
        "twitter:776617166489657346", "SlackHQ", "Slack", "2016-09-16", "@geooot_ Because we love our Anna so much",
    ),
    "twitter/blockquote-lang-de.html": (
        "twitter:1044502590266978309", "diktator", "Peter Wittkamp🐬", "2018-09-25", "Nach der Mitgliedervereinigung",
    ),
    "twitter/blockquote-west-ham-emoji.html": (
        "twitter:1454931184966770696", "WestHam", "West Ham United", "2021-10-31", "⭐️⭐️⭐️⭐️",
    ),
    "twitter/iframe-direct.html": ("twitter:1675626836821409792", None, None, None, None),
    "twitter/rendered-div-iframe-2022.html": ("twitter:790936002017755136", None, None, None, None),
    "twitter/rendered-iframe-2016.html": ("twitter:800384752746254337", None, None, None, None),
    "twitter/wp-block-embed.html": (
        "twitter:1721144944059118002", "Kanthan2030", "S.L. Kanthan", "2023-11-05", "💥Wow! Iranian drone gets close",
    ),
    "vk/widget-post.html": ("vk:-20442308_23162", None, None, None, None),
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", EMBEDS)
def test_a_real_embed_code_is_read_into_its_post(name: str) -> None:
    post, handle, who, day, words = EMBEDS[name]
    found = list(embeds((FIXTURES / "embeds" / name).read_bytes(), location="page.html"))
    # A page may show its post twice in one code (a frame within an element); never another.
    assert {str(embed.ref) for embed in found} == {post}
    (embed,) = [each for each in found if each.kind is Kind.EMBED]
    claim = embed.claim
    assert (claim.handle, claim.name, claim.date and claim.date.isoformat()) == (handle, who, day)
    assert (claim.text or "").startswith(words or "")
    assert bool(claim.text) is bool(words)


@needs_shared
def test_two_widgets_in_one_file_are_two_messages() -> None:
    found = embeds((FIXTURES / "embeds/telegram/widget.html").read_bytes(), location="page.html")
    assert [str(embed.ref) for embed in found] == ["telegram:xabacadabra/157", "telegram:rx460/416"]


@needs_shared
def test_the_digest_in_a_real_embed_code_is_read() -> None:
    (embed,) = embeds((FIXTURES / "embeds/bluesky/copycode-2025.html").read_bytes(), location="page.html")
    assert (embed.claim.cid or "").startswith("bafyrei")


@needs_shared
def test_a_real_articles_own_model_of_an_embed_is_read() -> None:
    model = (FIXTURES / "embeds/twitter/guardian-TweetBlockElement.txt").read_text()
    page = f"<article><p>News</p></article><script>window.page = {{blocks: [{{ {model} }}]}}</script>"
    found = [embed for embed in embeds(page.encode(), location="page.html") if embed.kind is Kind.EMBED]
    assert [str(embed.ref) for embed in found] == ["twitter:1362831783444717568"]
    assert found[0].claim.handle == "NASAPersevere"


#: What is in the collection beside posts, and where it is used.
OTHERS = {"INDEX.md", "twitter/presnowflake/TweetTimeline.csv"}


@needs_shared
def test_every_file_of_the_collection_is_read_by_a_test() -> None:
    """A payload that is added there is missed here until something reads it."""
    tests = "\n".join(path.read_text() for path in sorted(Path(__file__).parent.rglob("*.py")))
    missing = []
    for path in sorted(FIXTURES.rglob("*")):
        name = path.relative_to(FIXTURES).as_posix()
        stem = re.sub(r"^(?:SYNTHETIC_fxembed_|real_marshalx_|tweepy_test_client_)", "", path.name.partition(".")[0])
        # Files of one kind are read by their names without the kind, or all of a folder.
        known = (name, path.name, path.stem, stem, stem.partition("_")[0] if "vxtwitter" in name else name)
        if path.is_file() and name not in OTHERS and not any(each in tests for each in known):
            missing.append(name)
    assert missing == []
