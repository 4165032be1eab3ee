"""The whole path through the real command: an article that shows a Telegram post, a YouTube video and a Reddit post."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

from tests.commands import Run
from tests.simulator.world import World, photo

AT = dt.datetime(2026, 3, 1, 6, 42, tzinfo=dt.UTC)
VIDEO = "dQw4w9WgXcQ"

ARTICLE = f"""<article><h1>The crane</h1>
<p>It came down at dawn.</p>
<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="harbourwatch/12"
 data-width="100%"></script>
<p>A film of it was watched by many.</p>
<iframe src="https://www.youtube.com/embed/{VIDEO}?feature=oembed" title="The fall"></iframe>
<blockquote class="reddit-embed-bq" style="height:316px"><a
 href="https://www.reddit.com/r/harbours/comments/abc123/a_title/">Who saw it?</a><br> by
<a href="https://www.reddit.com/user/crane_spotter/">u/crane_spotter</a></blockquote>
<p>And a clip that somebody shared: <a href="https://vm.tiktok.com/ZTR45GpSF/">here</a>.</p>
<p>VK: <a href="https://vk.com/wall-20442308_23162">a post</a>.</p></article>"""


def test_an_article_with_posts_of_five_networks(world: World, home: Path, archiver: Run) -> None:
    message = world.share("telegram", "harbourwatch/12", "The crane is down.", AT, [photo()], author="Harbour Watch")
    world.share("youtube", VIDEO, "The fall of the crane", AT, [photo(480, 360)], handle="harbour", author="Harbour")
    thread = world.share("reddit", "abc123", "Who saw it?\n\nI did.", AT, [photo(640, 480)], handle="crane_spotter")
    world.share("tiktok", "7170520270497680683", "Crash", AT, [photo(360, 640)], handle="sigma", short="ZTR45GpSF")
    (home / "a.html").write_text(ARTICLE)
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    # A video that no keyless endpoint gives is missing, and counted so; VK has no source at all.
    assert report["states"] == {"archived": 2, "partial": 2, "unsupported": 1}, report
    assert report["reasons"]["partial"] == {"media-missing": 2}
    assert report["reasons"]["unsupported"] == {"no-source": 1}

    def post(query: str) -> dict:
        (found,) = json.loads(archiver("lookup", "--json", query).stdout)["posts"]
        return found

    shown = post("https://t.me/harbourwatch/12")
    assert shown["text"] == "The crane is down."
    assert [each["sha256"] for each in shown["media"]] == [hashlib.sha256(message.media[0].bytes()).hexdigest()]
    shown = post("https://www.reddit.com/r/harbours/comments/abc123/")
    assert [each["sha256"] for each in shown["media"]] == [hashlib.sha256(thread.media[0].bytes()).hexdigest()]
    assert "I did." in shown["text"]
    shown = post(f"https://youtu.be/{VIDEO}")
    assert {each["kind"]: bool(each["sha256"]) for each in shown["media"]} == {"photo": True, "video": False}
    assert post("https://www.tiktok.com/@sigma/video/7170520270497680683")["text"] == "Crash"


def test_a_deleted_telegram_post_is_gone_only_after_two_looks_a_day_apart(
    world: World, home: Path, archiver: Run
) -> None:
    world.delete(world.share("telegram", "harbourwatch/12", "The crane is down.", AT))
    (home / "a.html").write_text('<p><a href="https://t.me/harbourwatch/12">seen here</a></p>')
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert (report["states"], report["reasons"]) == ({"pending": 1}, {"pending": {"recheck": 1}})
