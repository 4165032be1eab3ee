"""What an element says by its tag and its attributes: which post it names, which network's embed it is, whether it
shows anything at all; and its text as a reader sees it.
"""

from __future__ import annotations

import functools
import html
import re
import urllib.parse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archiver.articles import screen
from archiver.articles.encoded import revealed
from archiver.model import PostRef
from archiver.platforms import Platform, platforms, recognise

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

TAG_NAME = re.compile(rb"<[a-zA-Z][^\s/>]*")
#: Elements that describe the page or act on it, and show nothing.
UNSHOWN = frozenset(
    {"link", "meta", "base", "form", "input", "button", "option", "select", "head", "html", "body", "title"}
)
# Attributes that say where a click or a share goes.
_ACTIONS = re.compile(r"click|share|canonical|copy|action|track|^on|^alt$|^title$|^aria-|^style$|^class$|^id$|^value$")
_BLOCKS = frozenset(
    "p div section blockquote li ul ol h1 h2 h3 h4 h5 h6 figure figcaption table tr header footer article br".split()  # noqa: SIM905 - a table of words
)


_SIMPLE_TAG = re.compile(rb"""<([a-zA-Z][\w-]*)((?:\s+[a-zA-Z][\w-]*(?:="[^"<>\\]*"|='[^'<>\\]*')?)*)\s*/?>""")
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w-]*)(?:=(?:"([^"]*)"|'([^']*)'))?""")
_ESCAPED_TAG = re.compile(r"&(?:amp;)*lt;")
_CHARACTER_REFERENCE = re.compile(r"&(?!amp;|[a-zA-Z0-9_]+=)")


def shows_nothing(page: bytes, lt: int, networks: frozenset[str]) -> bool:
    """Whether the start tag at *lt* is one that the tree would be asked for in vain: one so simply written that its
    attributes can be read without a tree, and none of them names a post or an embed."""
    if page[lt + 1 : lt + 5].lower() != b"link" and is_unshown(page, lt):
        return True
    tag = _SIMPLE_TAG.match(page, lt)
    if tag is None:
        return False
    name = tag[1].decode("ascii").lower()
    attributes: dict[str, str | None] = {}
    for attribute, double, single in _ATTRIBUTE.findall(tag[2].decode("utf-8", "replace")):
        value = double or single
        if "&" in value and _CHARACTER_REFERENCE.search(value):
            return False
        attributes.setdefault(attribute.lower(), value.replace("&amp;", "&"))
    if (
        container_of(name, attributes)
        or awaited_post(name, attributes)
        or (name == "link" and attributes.get("rel") == "canonical")
    ):
        return False
    classes = attributes.get("class") or ""
    return not any(
        value
        and (
            revealed(value)
            or holds_markup(value)
            or value.lstrip()[:1] in "{["
            or named(each, value, name, classes, networks)
            or short_code(value)
        )
        for each, value in attributes.items()
    )


def canonical_address(page: bytes, lt: int) -> str | None:
    """The address that a `<link rel=canonical>` at *lt* gives; None if there is none, or one not simply written."""
    if page[lt : lt + 5].lower() != b"<link" or not (tag := _SIMPLE_TAG.match(page, lt)):
        return None
    written = {
        each[1].lower(): each[2] or each[3] or "" for each in _ATTRIBUTE.finditer(tag[2].decode("utf-8", "replace"))
    }
    return html.unescape(written.get("href", "")) if written.get("rel", "").lower() == "canonical" else None


def holds_markup(text: str) -> bool:
    """Whether tags stand in *text*, as they are or escaped any number of times."""
    return "<" in text or ("lt;" in text and _ESCAPED_TAG.search(text) is not None)


def is_unshown(page: bytes, lt: int) -> bool:
    tag = TAG_NAME.match(page, lt)
    return tag is not None and tag[0][1:].decode("ascii", "replace").lower() in UNSHOWN


@functools.lru_cache(maxsize=1024)
def is_action(attribute: str) -> bool:
    return _ACTIONS.search(attribute) is not None


@functools.cache
def pair(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"</?" + re.escape(name) + rb"(?=[\s/>])", re.IGNORECASE)


@functools.cache
def _by_class() -> dict[str, Platform]:
    return {name: platform for platform in platforms().values() for name in platform.markup.classes}


@functools.cache
def _by_tag() -> dict[str, Platform]:
    return {name: platform for platform in platforms().values() for name in platform.markup.tags}


def container_of(tag: str, attributes: dict[str, str | None]) -> Platform | None:
    if platform := _by_tag().get(tag):
        return platform
    classes = attributes.get("class")
    if classes:
        for name in classes.split():
            if platform := _by_class().get(name):
                return platform
    return None


@functools.cache
def _id_attributes() -> dict[str, tuple[tuple[Platform, re.Pattern[str]], ...]]:
    table: dict[str, list[tuple[Platform, re.Pattern[str]]]] = {}
    for platform in platforms().values():
        for name, pattern in platform.markup.attributes:
            table.setdefault(name, []).append((platform, re.compile(pattern)))
    return {name: tuple(entries) for name, entries in table.items()}


@functools.cache
def _placeholders() -> dict[str, tuple[tuple[Platform, re.Pattern[str], re.Pattern[str]], ...]]:
    table: dict[str, list[tuple[Platform, re.Pattern[str], re.Pattern[str]]]] = {}
    for platform in platforms().values():
        for name, word, pattern in platform.markup.placeholders:
            table.setdefault(name, []).append((platform, re.compile(word), re.compile(pattern)))
    return {name: tuple(entries) for name, entries in table.items()}


def awaited_post(tag: str, attributes: dict[str, str | None]) -> PostRef | None:
    """The post that a script will put into an empty element of that name and id."""
    for name in attributes.keys() & _placeholders().keys():
        for platform, word, pattern in _placeholders()[name]:
            found = pattern.fullmatch((attributes[name] or "").strip())
            said = " ".join([tag, *(attributes.get(each) or "" for each in _CALLED)]).lower()
            if found and word.search(said) and not _NO_BOX.search(said):
                return platform.match(platform.url(PostRef(platform.name, found[1])))
    return None


_CALLED = ("class", "data-provider", "data-type", "data-network", "data-platform", "data-service")


def named(name: str, value: str, tag: str, classes: str, networks: frozenset[str] | None) -> PostRef | None:
    """The post that an attribute names, by a URL or by an id."""
    by_url = recognise(value, networks) if "/" in value or "%2" in value else None
    if by_url is None and tag in _FRAMES and "?" in value and "//" in value:
        by_url = _asked_for(value, networks)
    return by_url or _by_attribute(name, value, tag, classes)


_BOX = re.compile(
    r"(?<![a-z])(?:tweet|twitter|instagram|youtube|tiktok|bluesky|mastodon|telegram|threads|facebook|reddit|o?embed)(?![a-z])"
)
_NO_BOX = re.compile(r"shar|follow|timeline|feed|button|list|profile|count")


def is_embed_box(tag: str, classes: str) -> bool:
    """Whether an element is called after a network or an embed: a box for one, where its name is of nothing else."""
    said = f"{tag} {classes}".lower()
    return _BOX.search(said) is not None and not _NO_BOX.search(said)


def _asked_for(frame: str, networks: frozenset[str] | None) -> PostRef | None:
    """The post that a frame of a third party is asked to show (`…/embed?url=https%3A%2F%2F…`): embed services' cards,
    the players they wrap. Those that share it, like it or comment on it show something else."""
    address, _, query = frame.replace("&amp;", "&").partition("?")
    if _BUTTON.search(address.lower()):
        return None
    for name, value in urllib.parse.parse_qsl(query.partition("#")[0][:4096]):
        if name in _ASKED and (ref := recognise(value, networks)):
            return ref
    return None


_FRAMES = frozenset({"iframe", "amp-iframe", "embed"})
_ASKED = frozenset({"url", "src", "href", "u"})
_BUTTON = re.compile(r"shar|like|follow|comment|button|tweet_|intent|login|plus")


def _by_attribute(name: str, value: str, tag: str, classes: str) -> PostRef | None:
    """The post whose id an attribute carries. `NAME@WORD` in a platform's table: only on an element whose tag or class
    has that word in it."""
    for platform, pattern in _id_attributes().get(name, ()):
        if found := pattern.fullmatch(value.strip()):
            return platform.match(platform.url(PostRef(platform.name, "/".join(found.groups()))))
    for platform, pattern in _id_attributes().get(name + "@", ()):
        word = f"{tag} {classes}".lower()
        if platform.name in word and (found := pattern.fullmatch(value.strip())):
            return platform.match(platform.url(PostRef(platform.name, "/".join(found.groups()))))
    return None


def own_ref(attributes: dict[str, str | None], node: LexborNode, platform: Platform) -> bool:
    """Whether an element inside another embed's says itself which post it is: embeds left open hold the next ones."""
    if node.tag != "blockquote":
        return False
    return any(value and (ref := recognise(value)) and ref.platform == platform.name for value in attributes.values())


def digest(platform: Platform, node: LexborNode) -> str | None:
    """What an embed code states of the record it shows, where its network's codes do."""
    stated = node.attributes.get(platform.markup.digest) if platform.markup.digest else None
    return (stated or "").strip()[:200] or None


@functools.cache
def _shortlinks() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (p.name, re.compile(p.markup.shortlink, re.IGNORECASE)) for p in platforms().values() if p.markup.shortlink
    )


def short_code(url: str) -> tuple[str, str] | None:
    for name, pattern in _shortlinks():
        if found := pattern.fullmatch(url.strip()):
            return name, found[1]
    return None


def flat_text(node: LexborNode) -> str:
    """An element's text as a reader sees it: blocks and line breaks on lines of their own."""
    parts: list[str] = []
    before = None
    for inner in node.traverse(include_text=True):
        tag = inner.tag
        if tag == "-text":
            # The only child of either is its source.
            if before not in {"script", "style"}:
                parts.append(inner.text_content or "")
        elif tag in _BLOCKS:
            parts.append("\n")
        before = tag
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(parts)).replace(" \n", "\n")).strip()


# Both spare what is as it should be already: single spaces and single line breaks.
_SPACES = re.compile(r"[\t\r\f][ \t\r\f]*| [ \t\r\f]+")
_LINES = re.compile(r"\n\s+")


def texts_after(node: LexborNode) -> Iterator[tuple[LexborNode, str]]:
    """The texts between an element's start tag and the next start tag, each with the element it stands in."""
    inner, owner = (None if (node.tag or "").encode() in screen.RAW else node.first_child), node
    for _ in range(64):
        while inner is not None:
            if inner.tag == "-text":
                if text := inner.text_content:
                    yield owner, text
            elif inner.tag != "-comment":
                return
            inner = inner.next
        inner = owner.next
        parent = owner.parent
        if parent is None:
            return
        owner = parent
