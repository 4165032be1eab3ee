"""The two posts behind the article this project began with. Their texts are taken from the article at test time."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from tests.simulator.world import Post, World, gif, photo, video

NOEL = "A new video from the road near the border, taken by a driver who is trying to leave the area."
ANTON = (
    "The ministers met to discuss the situation in the region.\n\n"
    "Their host promised that all was under control. Nobody else at the table looked convinced. https://t.co/KF0irzUiL7"
)
NEWS = "https://news.example.org/2024/08/07/meeting"


@dataclass(frozen=True, slots=True)
class Founding:
    """`noel` has a video behind pic code fwutN0Bakg; `anton` a photo behind Axt42DqdzE and, in his text, the link
    KF0irzUiL7 to a news page."""

    noel: Post
    anton: Post
    news: str


def texts(article: str) -> tuple[str, str]:
    """The two posts' texts as they stand in the article (paragraphs separated by blank lines): the first within one
    paragraph, the second over two."""
    paragraphs = re.split(r"\n\s*\n", article)
    first = next(paragraph for paragraph in paragraphs if "pic.twitter.com/fwutN0Bakg" in paragraph)
    place = next(number for number, paragraph in enumerate(paragraphs) if "pic.twitter.com/Axt42DqdzE" in paragraph)
    second = f"{paragraphs[place - 1].strip()}\n\n{paragraphs[place]}"
    return first.partition(" pic.twitter.com/")[0].strip(), second.partition(" pic.twitter.com/")[0].strip()


def founding(world: World, noel_text: str = NOEL, anton_text: str = ANTON, *, with_gif: bool = False) -> Founding:
    """Publish both posts, their codes and the news page. A link to KF0irzUiL7 is added where the text has none."""
    news = world.page(
        NEWS,
        "<!DOCTYPE html><html><head><title>A meeting about the region</title></head>"
        "<body><article><h1>A meeting about the region</h1><p>Written for tests.</p></article></body></html>",
    )
    noel = world.post(
        "NOELreports",
        noel_text,
        dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC),
        [gif()] if with_gif else [video(640, 360, 2.0)],
        name="NOELREPORTS 🇪🇺 🇺🇦",
        code="fwutN0Bakg",
    )
    anton = world.post(
        "Gerashchenko_en",
        anton_text,
        dt.datetime(2024, 8, 7, 13, 5, 37, tzinfo=dt.UTC),
        [photo(1024, 683, alt="A long table with people at one end")],
        name="Anton Gerashchenko",
        code="Axt42DqdzE",
        links={"KF0irzUiL7": news},
    )
    return Founding(noel, anton, news)
