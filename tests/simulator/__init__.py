"""A small web that behaves like X and the Wayback Machine, for tests and for trying things by hand (README.md)."""

from tests.simulator.exchange import Request, Response, Wire, document, html, plain, redirect
from tests.simulator.mementos import Memento, stamp, urlkey
from tests.simulator.serve import Authority, Web
from tests.simulator.world import (
    Account,
    Clock,
    Code,
    Film,
    Photo,
    Post,
    State,
    Trouble,
    Uncertain,
    World,
    gif,
    media_url,
    photo,
    video,
)

__all__ = [
    "Account",
    "Authority",
    "Clock",
    "Code",
    "Film",
    "Memento",
    "Photo",
    "Post",
    "Request",
    "Response",
    "State",
    "Trouble",
    "Uncertain",
    "Web",
    "Wire",
    "World",
    "document",
    "gif",
    "html",
    "media_url",
    "photo",
    "plain",
    "redirect",
    "stamp",
    "urlkey",
    "video",
]
