"""Each network's URLs as people paste them, written from PLATFORMS.md."""

# ruff: noqa: E501, SIM905 - samples of markup and of addresses, as they are written
from __future__ import annotations

import datetime as dt

import pytest

from archiver.platforms import platforms, recognise

POSTS = {
    "twitter:1821000000000000000": """
        https://twitter.com/harbour/status/1821000000000000000
        http://www.twitter.com/harbour/status/1821000000000000000?s=20&t=abc
        https://mobile.twitter.com/harbour/statuses/1821000000000000000
        https://m.twitter.com/i/web/status/1821000000000000000
        https://x.com/i/status/1821000000000000000
        //x.com/harbour/status/1821000000000000000/photo/1
        https://twitter.com/#!/harbour/status/1821000000000000000
        https://twitter.com/statuses/1821000000000000000
        https://fxtwitter.com/harbour/status/1821000000000000000
        https://vxtwitter.com/harbour/status/1821000000000000000
        https://fixupx.com/harbour/status/1821000000000000000
        https://nitter.example.org/harbour/status/1821000000000000000#m
        https://birds.example.org/harbour/status/1821000000000000000#m
        https://platform.twitter.com/embed/Tweet.html?dnt=true&id=1821000000000000000&lang=en
        https://platform.twitter.com/embed/index.html?id=1821000000000000000
        http://web.archive.org/web/20240808000000/https://twitter.com/harbour/status/1821000000000000000
        https://web.archive.org/web/20240808id_/https:/twitter.com/harbour/status/1821000000000000000
        https://archive.ph/20240808/https://twitter.com/harbour/status/1821000000000000000
        https://twitter.com/harbour\\_watch/status/1821000000000000000
    """,
    "bluesky:did:plc:kft6lu4trxowqmter2b6vg6z/3leyztswv5k2q": """
        https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q?ref_src=embed
        at://did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q
        https://embed.bsky.app/embed/did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q?id=1
        https://fxbsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q
        https://bsky.app/profile/did%3Aplc%3Akft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q
    """,
    "bluesky:harbour.example/3leyztswv5k2q": """
        https://bsky.app/profile/harbour.example/post/3leyztswv5k2q
        https://bsky.app/profile/Harbour.Example/post/3leyztswv5k2q
        https://bskx.app/profile/harbour.example/post/3leyztswv5k2q
        at://harbour.example/app.bsky.feed.post/3leyztswv5k2q
    """,
    "mastodon:social.example/116242278064339656": """
        https://social.example/@harbour/116242278064339656
        https://social.example/@harbour/116242278064339656/embed
        https://social.example/@harbour@town.example/116242278064339656
        https://social.example/users/harbour/statuses/116242278064339656
        https://social.example/ap/users/116242270000000001/statuses/116242278064339656
        https://social.example/web/@harbour/116242278064339656
        https://social.example/web/statuses/116242278064339656
    """,
    "mastodon:truthsocial.com/108779000807761862": """
        https://truthsocial.com/@harbour/108779000807761862
        https://truthsocial.com/@harbour/posts/108779000807761862
        https://truthsocial.com/@harbour/108779000807761862/embed
        https://truthsocial.com/users/harbour/statuses/108779000807761862
    """,
    "telegram:harbourwatch/123": """
        https://t.me/harbourwatch/123
        https://t.me/s/harbourwatch/123
        https://t.me/harbourwatch/123?single
        https://t.me/harbourwatch/123?embed=1
        https://t.me/harbourwatch/123?comment=77
        https://telegram.me/harbourwatch/123
        https://telegram.dog/harbourwatch/123
        tg://resolve?domain=harbourwatch&post=123
    """,
    "instagram:CYokA48MWDA": """
        https://www.instagram.com/p/CYokA48MWDA/?utm_source=ig_embed&utm_campaign=loading
        https://instagram.com/reel/CYokA48MWDA
        https://www.instagram.com/reels/CYokA48MWDA/
        https://www.instagram.com/tv/CYokA48MWDA/
        https://www.instagram.com/harbour/p/CYokA48MWDA/
        https://instagr.am/p/CYokA48MWDA/
        https://www.instagram.com/p/CYokA48MWDA/embed/captioned/
        https://www.ddinstagram.com/reel/CYokA48MWDA/
    """,
    "threads:DNJQOX0RA08": """
        https://www.threads.net/@harbour/post/DNJQOX0RA08
        https://www.threads.com/@harbour/post/DNJQOX0RA08?xmt=1
        https://www.threads.net/t/DNJQOX0RA08
        https://threads.com/t/DNJQOX0RA08/
        https://www.threads.net/@harbour.watch/post/DNJQOX0RA08/embed
        //www.threads.com/%40harbour/post/DNJQOX0RA08
    """,
    "tiktok:6806030056956251397": """
        https://www.tiktok.com/@harbour/video/6806030056956251397
        https://www.tiktok.com/@harbour.watch/photo/6806030056956251397?lang=en
        https://www.tiktok.com/embed/6806030056956251397
        https://www.tiktok.com/embed/v2/6806030056956251397?lang=en
        https://www.tiktok.com/player/v1/6806030056956251397
        https://www.tiktok.com/share/video/6806030056956251397
        https://m.tiktok.com/v/6806030056956251397.html
        https://www.tiktok.com/@/video/6806030056956251397
    """,
    "youtube:abc-EFG_123": """
        https://www.youtube.com/watch?v=abc-EFG_123
        https://www.youtube.com/watch?feature=share&v=abc-EFG_123&t=10
        https://www.youtube.com/watch?feature=share&amp;v=abc-EFG_123
        https://m.youtube.com/watch?v=abc-EFG_123
        https://youtu.be/abc-EFG_123?si=x
        https://www.youtube-nocookie.com/embed/abc-EFG_123?rel=0
        //www.youtube.com/embed/abc-EFG_123
        https://www.youtube.com/shorts/abc-EFG_123
        https://www.youtube.com/live/abc-EFG_123
        https://www.youtube.com/v/abc-EFG_123
        https://music.youtube.com/watch?v=abc-EFG_123
    """,
    "facebook:1234567890123456": """
        https://www.facebook.com/harbour/posts/1234567890123456
        https://www.facebook.com/harbour/posts/rain-again/1234567890123456/
        https://www.facebook.com/permalink.php?story_fbid=1234567890123456&id=77
        https://www.facebook.com/story.php?id=77&story_fbid=1234567890123456
        https://www.facebook.com/photo.php?fbid=1234567890123456&set=a.1
        https://www.facebook.com/photo/?fbid=1234567890123456
        https://www.facebook.com/harbour/photos/a.1.2.3/1234567890123456/?type=3
        https://www.facebook.com/harbour/videos/1234567890123456/
        https://www.facebook.com/watch/?v=1234567890123456
        https://www.facebook.com/reel/1234567890123456
        https://www.facebook.com/groups/77/posts/1234567890123456
        https://www.facebook.com/groups/harbour/permalink/1234567890123456/
        https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fharbour%2Fposts%2F1234567890123456&width=500
        https://www.facebook.com/plugins/video.php?height=3&href=https%3A%2F%2Fwww.facebook.com%2Fharbour%2Fvideos%2F1234567890123456%2F
    """,
    "reddit:6f21c7": """
        https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/
        https://old.reddit.com/r/harbours/comments/6f21c7
        https://www.reddit.com/comments/6f21c7
        https://redd.it/6f21c7
        https://www.reddit.com/gallery/6f21c7
        https://www.redditmedia.com/r/harbours/comments/6f21c7/rain_again/?ref_source=embed&embed=true
        https://embed.reddit.com/r/harbours/comments/6f21c7/rain_again/
        https://www.reddit.com/user/harbour/comments/6f21c7/rain_again/
        https://www.reddit.com/r/harbours/comments/6F21C7/Rain_Again/?share_id=1
    """,
    "reddit:6f21c7/caeb3pl": """
        https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/caeb3pl
        https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/caeb3pl/?context=3
        https://www.reddit.com/r/harbours/comments/6f21c7/comment/caeb3pl/
        https://www.reddit.com/comments/6f21c7/_/caeb3pl
    """,
    "vk:-159365154_99": """
        https://vk.com/wall-159365154_99
        https://m.vk.com/wall-159365154_99
        https://vk.ru/wall-159365154_99?reply=3
        https://vk.com/harbour?w=wall-159365154_99
    """,
    "vk:video-159365154_99": """
        https://vk.com/video-159365154_99
        https://vkvideo.ru/video-159365154_99
        https://vk.com/video_ext.php?oid=-159365154&id=99&hash=abc
    """,
    "linkedin:share:6850898786781339649": """
        https://www.linkedin.com/embed/feed/update/urn:li:share:6850898786781339649
        https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A6850898786781339649
        https://www.linkedin.com/posts/harbour_rain-share-6850898786781339649-aB1c
    """,
    "linkedin:activity:6850898786781339649": """
        https://www.linkedin.com/feed/update/urn:li:activity:6850898786781339649/
        https://www.linkedin.com/posts/harbour-watch_rain-again-activity-6850898786781339649-aB1c?utm_source=share
    """,
}


@pytest.mark.parametrize(("ref", "url"), [(ref, url) for ref, urls in POSTS.items() for url in urls.split()])
def test_a_url_names_its_post(ref, url):
    assert str(recognise(url)) == ref


@pytest.mark.parametrize(
    "url",
    """
    https://twitter.com/harbour https://twitter.com/intent/tweet?url=https://x.com/a/status/1821000000000000000
    https://netflix.com/harbour/status/1821000000000000000 https://x.com/search?q=harbour https://x.com/harbour/lists/1
    https://bsky.app/profile/harbour.example https://bsky.app/profile/harbour.example/feed/abc
    https://social.example/@harbour https://www.tiktok.com/@harbour https://medium.com/@harbour/1234567
    https://www.youtube.com/@harbour https://www.youtube.com/embed/videoseries?list=PL1 https://www.youtube.com/playlist?list=PL1
    https://www.youtube.com/embed/live_stream?channel=UC1 https://img.youtube.com/vi/abc-EFG_123/2.jpg
    https://t.me/harbourwatch https://t.me/joinchat/123 https://t.me/share/url?url=x https://t.me/addstickers/12
    https://www.instagram.com/harbour/ https://www.instagram.com/explore/tags/rain/ https://www.instagram.com/reels/audio/12345678901/
    https://www.threads.net/@harbour https://www.facebook.com/harbour https://www.facebook.com/sharer/sharer.php?u=x
    https://www.facebook.com/groups/harbour https://www.reddit.com/r/harbours https://www.reddit.com/user/harbour
    https://i.redd.it/abcdef.jpg https://vk.com/harbour https://vk.com/club12 https://www.linkedin.com/in/harbour
    https://www.linkedin.com/shareArticle?url=x https://t.co/AbCdEf1234 https://vm.tiktok.com/AbCdE12/ mailto:a@b.example
    """.split(),
)
def test_anything_else_is_no_post(url):
    assert recognise(url) is None


@pytest.mark.parametrize(
    ("platform", "id", "at"),
    [
        ("twitter", "463440424141459456", "2014-05-05T22:09:42.079"),
        ("twitter", "20", None),
        ("twitter", "29700859247", None),
        ("instagram", "aye83DjauH", "2013-06-20T17:15:45"),
        ("tiktok", "6806030056956251397", "2020-03-19T21:12:38"),
        ("bluesky", "harbour.example/3leyztswv5k2q", "2025-01-05T16:24:51.75"),
        ("bluesky", "harbour.example/self", None),
        ("mastodon", "social.example/116242278064339656", "2026-03-17T03:00:01.128"),
        ("mastodon", "social.example/123456", None),
        ("mastodon", "truthsocial.com/108779000807761862", "2022-08-07T01:30:27"),
    ],
)
def test_the_time_an_id_carries(platform, id, at):
    found = platforms()[platform].posted_at(id)
    if at is None:
        assert found is None
    else:
        wanted = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
        assert found is not None and abs(found - wanted) < dt.timedelta(seconds=1)
