"""Facebook: posts, photos, videos and reels (PLATFORMS.md 1.2). A `pfbid` cannot be read without asking."""

from __future__ import annotations

import re
import urllib.parse

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

_HOST = r"(?:https?:)?//(?:[\w-]+\.)*(?:facebook\.com|fb\.com|facebed\.com|facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd\.onion)/+"
_ID = r"(\d{5,20}|pfbid[0-9A-Za-z]{10,100})(?![0-9A-Za-z])"
_PATH = re.compile(
    _HOST + r"(?:#!/)?(?:groups/[^/?#\s]{1,100}/(?:posts|permalink)/(?:[^/?#\s]{1,300}/)?|reel/|"
    r"[^/?#\s]{1,100}/(?:posts|photos|videos|reels|activity|notes)/(?:[^/?#\s]{1,300}/){0,2}|"
    r"(?:photos?|videos?|watch|permalink|posts|stories)/)" + _ID,
    re.IGNORECASE,
)
_QUERY = re.compile(
    _HOST + r"(?:#!/)?(?:[^/?#\s]{1,100}/)?(?:permalink\.php|story\.php|photo(?:\.php)?/?|watch(?:/live)?/?|video\.php|"
    r"video/(?:video|embed)\.php|video/embed|groups/[^/?#\s]{1,100}/?)\?(?:[^#\s]*?&(?:amp;)?)?"
    r"(?:story_fbid|fbid|v|video_id|multi_permalinks)=" + _ID,
    re.IGNORECASE,
)
_PLUGIN = re.compile(
    _HOST + r"(?:v\d+\.\d+/)?plugins/(?:post|video|comment_embed)(?:\.php)?\?(?:[^#\s]*?&(?:amp;)?)?href=([^&#\s]+)",
    re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post, photo or video a URL names, a plug-in's frame by its `href`; None for pages, groups and shares."""
    if found := _PLUGIN.match(url):
        inner = urllib.parse.unquote(urllib.parse.unquote(found[1]))
        return match(inner) if "plugins/" not in inner else None
    found = _PATH.match(url) or _QUERY.match(url)
    return PostRef("facebook", found[1]) if found else None


def url(ref: PostRef) -> str:
    """Facebook's URLs need an owner as well, which an id does not tell; this is the form that names the id alone."""
    return f"https://www.facebook.com/permalink.php?story_fbid={ref.id}"


PLATFORM = Platform(
    name="facebook",
    match=match,
    url=url,
    markup=Markup(
        screens=(
            r"(?:facebook|fb)\.com/(?:#!/)?[\w.%-]{2,60}/(?:posts|photos|videos|reels|activity|notes|permalink)/",
            r"(?:facebook|fb)\.com/groups/[\w.%-]{1,60}/(?:posts|permalink|{?})",
            r"(?:facebook|fb)\.com/(?:#!/)?(?:reel|watch|permalink|story|photo|video|posts|stories)",
            r"\b(?:story_fbid|fbid){=}\d{5}",
            r"plugins/(?:post|video|comment_embed)\b",
            r"\bfb-(?:post|video)\b",
            r"\bfb:(?:post|video)\b",
            r"amp-facebook",
            r"fb\.watch/\w",
            r"facebook\.com/share/",
        ),
        classes=("fb-post", "fb-video"),
        tags=("amp-facebook", "fb:post", "fb:video"),
        shortlink=r"(?:https?:)?//(?:www\.)?(?:fb\.watch|facebook\.com/share(?:/[pvr])?)/([\w-]{5,40})(?:[/?#].*)?",
        author=r"facebook\.com/([\w.]{2,60})/(?:posts|photos|videos|reels)/",
    ),
)
