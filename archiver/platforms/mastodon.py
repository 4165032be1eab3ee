"""Mastodon and its forks, Truth Social among them (PLATFORMS.md 0 and 1.2). An id belongs to one server, and a server
may have any name, so the path has to say what it is."""

from __future__ import annotations

import datetime as dt
import html.parser
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from archiver import answers, archived
from archiver.errors import ParseError
from archiver.model import (
    Author,
    Capture,
    Claim,
    Finding,
    Link,
    Look,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Request,
)
from archiver.platforms import Example, Markup, Platform, Source, parts, wayback
from archiver.untyped import counts, listing, mapping, moment, number, pairs, size, string, web_url

# Others whose addresses look alike.
_OTHERS = (
    r"(?!(?:[\w-]+\.)*(?:tiktok|threads|youtube|medium|twitter|x|instagram|facebook|substack|flipboard)"
    r"\.(?:com|net)[:/])"
)
_URL = re.compile(
    r"(?:https?:)?//" + _OTHERS + r"((?:[\w-]+\.)+[a-z][a-z0-9-]{1,30}(?::\d{2,5})?)/+"
    r"(?:(?:web|deck)/)?(?:@[\w.-]{1,64}(?:@[\w.-]{3,120})?(?:/posts|/statuses)?|(?:ap/)?users/[\w.-]{1,64}/statuses|"
    r"(?:web|deck)/statuses)/+(\d{5,20})(?:/embed)?/?(?=$|[?#\s])",
    re.ASCII | re.IGNORECASE,
)
_FIRST_MS = 1_451_606_400_000  # 2016: before it ids were counted


def match(url: str) -> PostRef | None:
    """The post a URL names on the server it names: a remote post's local copy is another post there."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("mastodon", f"{found[1].lower()}/{found[2]}") if found else None


def url(ref: PostRef) -> str:
    """The form that needs no handle."""
    host, _, number = ref.id.rpartition("/")
    return f"https://{host}/web/statuses/{number}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond the server made the id; None for the counted ids of early servers."""
    ms = int(id.rpartition("/")[2]) >> 16
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC) if _FIRST_MS < ms < 10_000_000_000_000 else None


# --- where a post can be seen ---------------------------------------------------------------------------------------

_PUBLIC = {"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"}
_KINDS = {"image": "photo", "video": "video", "gifv": "gif", "audio": "audio"}
#: From 4.5 an account's own address names it by number (`/ap/users/116…`): the page's names it by its name.
_ACTOR = re.compile(r"https?://([^/?#\s]+)/(?:users/|@|profile/|accounts/)?@?([\w.-]{1,64})/?", re.ASCII)
_WRITTEN_BY = re.compile(r"https?://([^/?#\s]+)/@([\w.-]{1,64})/", re.ASCII)
#: What a server may say that a status is no more; a body without such words is some other software's page.
_LOGIN_WORDS = re.compile(r"authenticated|authoriz|access token|signature|sign in|log ?in", re.IGNORECASE)


def _place(ref: PostRef) -> tuple[str, str]:
    host, _, number_ = ref.id.rpartition("/")
    return host, number_


def api_request(ref: PostRef) -> Request:
    host, id = _place(ref)
    return Request(f"https://{host}/api/v1/statuses/{id}", headers=(("accept", "application/json"),))


def activity_request(ref: PostRef, user: str) -> Request:
    """The status under its ActivityPub id, which names its author."""
    host, id = _place(ref)
    return Request(f"https://{host}/users/{user}/statuses/{id}", headers=(("accept", "application/activity+json"),))


def oembed_request(ref: PostRef, user: str) -> Request:
    host, id = _place(ref)
    query = urllib.parse.urlencode({"url": f"https://{host}/@{user}/{id}"}, safe=":/@")
    return Request(f"https://{host}/api/oembed?{query}", headers=(("accept", "application/json"),))


def _user(claim: Claim, host: str) -> str | None:
    """The name of an author of that server, where the article states one that can stand in a path."""
    name, _, home = (claim.handle or "").removeprefix("@").partition("@")
    is_local = not home or home.lower() == host.partition(":")[0]
    return name if is_local and re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII) else None


def _answer(capture: Capture) -> Mapping[str, Any] | Finding:
    """The object of an answer, or what it says instead. A server may have any name and run anything, so a 404 or 410
    counts as absence only in Mastodon's own words: JSON with an `error`, or an ActivityPub Tombstone."""
    status = capture.status or 0
    if status == 200:
        value = answers.payload(capture)
        if isinstance(value, Finding):
            return value
        if not isinstance(value, dict):
            raise ParseError(f"{capture.url}: JSON, but no object")
        return value
    try:
        said = mapping(capture.json())
    except ParseError:
        said = {}
    words = string(said.get("error"))
    if status in (404, 410):
        if status == 410 or said.get("type") == "Tombstone":
            is_said = bool(said) or "activity+json" in (capture.header("content-type") or "")
            return answers.absent(Reason.DELETED if is_said else Reason.UNKNOWN, words or string(said.get("type")))
        return answers.absent(Reason.NOT_FOUND if words else Reason.UNKNOWN, words)
    if status == 401 or (status in (403, 422) and words and _LOGIN_WORDS.search(words)):
        return answers.absent(Reason.LOGIN_WALL, words)
    return answers.refused(capture, words) or answers.absent(Reason.UNKNOWN, words)


# --- Mastodon's API -------------------------------------------------------------------------------------------------


#: Mastodon's visibilities that are not for everybody, and other software's.
_LIMITED = frozenset({"private", "direct", "limited", "list", "mutuals_only", "personal"})


def read_status(capture: Capture, ref: PostRef) -> Finding:
    """`/api/v1/statuses/:id` (PLATFORMS.md 3.8), Truth Social's as well. 404 also stands for private and deleted."""
    status = _answer(capture)
    if isinstance(status, Finding):
        return status
    host, id = _place(ref)
    if string(status.get("id")) is None and string(status.get("error")):
        return answers.absent(Reason.UNKNOWN, string(status.get("error")))
    if status.get("id") != id or not isinstance(status.get("content"), str):
        raise ParseError(f"{capture.url}: asked for status {id}, shows {status.get('id')!r:.60}")
    if status.get("visibility") in _LIMITED:
        return Finding(Outcome.HIDDEN, Reason.PROTECTED, tombstone=str(status["visibility"]))
    post = _post(status, ref, host, capture)
    shown = (_inner(mapping(status.get("reblog"))), _inner(_quoted(status)))
    also = tuple(_post(each, PostRef("mastodon", f"{host}/{each['id']}"), host, capture) for each in shown if each)
    return Finding(Outcome.FOUND, Reason.OK, post, also=tuple(each for each in also if each.ref != ref))


def _quoted(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mastodon's quote says how it stands and holds the status; Truth Social's is the status."""
    quote = mapping(status.get("quote"))
    return mapping(quote.get("quoted_status")) or quote


def _inner(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    is_whole = _is_id(status.get("id")) and isinstance(status.get("content"), str)
    return status if is_whole and status.get("visibility") in (None, "public", "unlisted") else None


def _is_id(value: Any) -> bool:
    """Mastodon's own ids are numbers, as text; other software's are not, and lead to no post of ours."""
    return isinstance(value, str) and re.fullmatch(r"\d{1,20}", value, re.ASCII) is not None


def _post(status: Mapping[str, Any], ref: PostRef, host: str, capture: Capture) -> Post:
    account, poll, card = mapping(status.get("account")), mapping(status.get("poll")), mapping(status.get("card"))
    reply, quoted = status.get("in_reply_to_id"), _quoted(status)
    quote = mapping(status.get("quote"))
    text, links = _read_html(status.get("content"), capture, is_quote=bool(quote))
    written, uri = web_url(status.get("url")), web_url(status.get("uri"))
    name, acct = string(account.get("username")), string(account.get("acct"))
    actor = web_url(account.get("uri")) or web_url(account.get("url"))
    quoted_id = quoted.get("id") or quote.get("quoted_status_id") or status.get("quote_id")
    reblog = mapping(status.get("reblog")).get("id")
    if (target := web_url(card.get("url"))) and all(link.url != target for link in links):
        links = (*links, Link(target, target, string(card.get("title"))))
    # A copy of another server's post: its own address is where its author published it.
    origin = next((each for each in (uri, written) if each and _host(each) != host.partition(":")[0]), None)
    origin_ref = match(written or "") or match(uri or "") if origin else None
    return Post(
        ref=ref,
        author=Author(
            acct or name,
            string(account.get("display_name")),
            actor or (f"{host}/{account['id']}" if _is_id(account.get("id")) else None),
            web_url(account.get("url")),
        ),
        text=text,
        created_at=moment(status.get("created_at")),
        lang=string(status.get("language")),
        url=written or url(ref),
        links=links,
        media=tuple(_attached(status.get("media_attachments"))),
        reply_to=PostRef("mastodon", f"{host}/{reply}") if _is_id(reply) else None,
        quotes=PostRef("mastodon", f"{host}/{quoted_id}") if _is_id(quoted_id) else None,
        counts=counts(
            likes=status.get("favourites_count"),
            reposts=status.get("reblogs_count"),
            replies=status.get("replies_count"),
            quotes=status.get("quotes_count"),
        ),
        extra=pairs(
            uri=uri,
            origin=origin,
            origin_post=str(origin_ref) if origin_ref and origin_ref != ref else None,
            edited_at=string(status.get("edited_at")),
            spoiler=string(status.get("spoiler_text")),
            is_sensitive=status.get("sensitive") is True or None,
            visibility=string(status.get("visibility")),
            reblog_of=f"mastodon:{host}/{reblog}" if _is_id(reblog) else None,
            # Revoked, pending, deleted…: why the quoted status is not shown.
            quote_state=state if (state := string(quote.get("state"))) != "accepted" else None,
            poll=_poll(poll),
            card={
                name: card[name] for name in ("url", "title", "description", "image", "provider_name") if card.get(name)
            },
            tags=[tag for tag in (string(mapping(each).get("name")) for each in listing(status.get("tags"))) if tag],
            mentions=[
                who for who in (string(mapping(each).get("acct")) for each in listing(status.get("mentions"))) if who
            ],
            emojis={
                code: picture
                for each in map(mapping, listing(status.get("emojis")))
                if (code := string(each.get("shortcode"))) and (picture := web_url(each.get("url")))
            },
        ),
    )


def _host(address: str) -> str | None:
    return urllib.parse.urlsplit(address).hostname


def _poll(poll: Mapping[str, Any]) -> dict[str, Any]:
    if not poll:
        return {}
    options = [mapping(option) for option in listing(poll.get("options"))]
    return {
        "options": [
            {"title": string(option.get("title")), "votes": number(option.get("votes_count"))} for option in options
        ],
        "votes": number(poll.get("votes_count")),
        "voters": number(poll.get("voters_count")),
        "ends_at": string(poll.get("expires_at")),
        "is_multiple": poll.get("multiple") is True,
    }


def _attached(attachments: Any) -> Iterator[Media]:
    """Attachments, the server's own copy first and then the one at the author's server."""
    seen: set[str] = set()
    for place, each in enumerate(map(mapping, listing(attachments)), 1):
        here, there = web_url(each.get("url")), web_url(each.get("remote_url"))
        shape = mapping(mapping(each.get("meta")).get("original"))
        kind = _KINDS.get(str(each.get("type")))
        key = str(each["id"]) if _is_id(each.get("id")) else f"media-{place}"
        key = f"{key}-{place}" if key in seen else key
        seen.add(key)
        urls = tuple(dict.fromkeys(address for address in (here, there) if address))
        if not urls:
            continue
        yield Media(
            kind or _kind_of(urls[0]),
            key,
            urls,
            string(each.get("description")),
            size(shape.get("width")),
            size(shape.get("height")),
            _seconds(shape.get("duration")),
            poster=web_url(each.get("preview_url")) if kind in ("video", "gif", "audio") else None,
        )


def _kind_of(address: str) -> str:
    end = urllib.parse.urlsplit(address).path.rpartition(".")[2].lower()
    if end in ("mp4", "webm", "mov", "m4v"):
        return "video"
    if end in ("mp3", "ogg", "oga", "wav", "flac", "opus", "aac", "m4a"):
        return "audio"
    return "photo" if end in ("jpg", "jpeg", "png", "webp", "gif", "avif", "heic", "jxl", "bmp") else "unknown"


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1_000_000 else None


#: What ends with an element: a line, or a paragraph.
_ENDS = {"li": "\n"} | dict.fromkeys(
    ("p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6"), "\n\n"
)
#: What is in these is no text of the post.
_HIDDEN = frozenset({"script", "style", "template", "rt", "rp"})
#: No status comes near.
_LONGEST, _DEEPEST = 8 * 1024 * 1024, 2000


def _read_html(content: Any, capture: Capture, *, is_quote: bool = False) -> tuple[str, tuple[Link, ...]]:
    """A status's HTML as text (a blank line between paragraphs) and its links; mentions and hashtags are no links.
    A quotation repeats the quoted status's address (`RE: …`) for software that knows no quotations; its author did not
    write that, and it stays a link."""
    markup = string(content)
    if markup is None:
        return "", ()
    if len(markup) > _LONGEST:
        raise ParseError(f"{capture.url}: a status of {len(markup)} characters is more than is read ({_LONGEST})")
    words = _Words("quote-inline" if is_quote else None)
    try:
        words.feed(f"<div>{markup}</div>")
        words.close()
    except (ParseError, AssertionError) as error:  # the latter: a declaration that html.parser does not know
        raise ParseError(f"{capture.url}: markup that cannot be parsed: {error}") from error
    text = re.sub(r"\n{3,}", "\n\n", words.text()).strip()
    return text, tuple(dict.fromkeys(words.links()))


class _Words(html.parser.HTMLParser):
    """Text and links as they come by. Every post of a server goes through here, and a tree of it would cost thirty
    times as much; it is read as Beautiful Soup reads it, which is handed pages. Elements of the class *unsaid* are no
    text, and their links are links."""

    def __init__(self, unsaid: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self._unsaid = unsaid
        #: How many elements were open when the first began that is no text.
        self._silent_from: int | None = None
        self._parts: list[str] = []
        self._waiting: list[str] = []
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        #: Targets and words of links, in the order in which they begin; and which of them are open.
        self._links: list[tuple[str | None, list[str]]] = []
        self._inside: list[int] = []

    def text(self) -> str:
        self._flush()
        while self._open:
            self._end()
        return "".join(self._parts)

    def links(self) -> Iterator[Link]:
        for target, words in self._links:
            if target:
                yield Link(target, target, " ".join("".join(words).split()) or None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._flush()
        said = dict(attrs)
        classes = (said.get("class") or "").split()
        is_unsaid = self._unsaid in classes
        if tag == "br" and not is_unsaid:
            self._say("\n")
        elif tag not in answers.VOID:
            if is_unsaid and self._silent_from is None:
                self._silent_from = len(self._open)
            self._open.append(tag)
            self._count[tag] += 1
            if len(self._open) > _DEEPEST:
                raise ParseError(f"nested deeper than {_DEEPEST} elements")
            if tag == "a":
                target = web_url(said.get("href"))
                is_link = not {"mention", "hashtag"} & set(classes)
                self._inside.append(len(self._links))
                self._links.append((target if is_link else None, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in answers.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._flush()
        if self._count[tag]:
            while self._open[-1] != tag:
                self._end()
            self._end()

    def _end(self) -> None:
        tag = self._open.pop()
        self._count[tag] -= 1
        self._say(_ENDS.get(tag, ""))
        if len(self._open) == self._silent_from:
            self._silent_from = None
        if tag == "a":
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        self._waiting.append(data)

    def handle_comment(self, data: str) -> None:
        self._flush()

    def handle_decl(self, decl: str) -> None:
        self._flush()

    def handle_pi(self, data: str) -> None:
        self._flush()

    def unknown_decl(self, data: str) -> None:
        self._flush()
        if data.upper().startswith("CDATA["):
            self._waiting.append(data[6:])
            self._flush()

    def _say(self, text: str) -> None:
        if self._silent_from is None:
            self._parts.append(text)

    def _flush(self) -> None:
        """What was said until now, unless it is none of the post's: white space alone is one space, or one line."""
        said = "".join(self._waiting)
        self._waiting.clear()
        if not said or any(self._count[tag] for tag in _HIDDEN):
            return
        if not said.strip(" \n\t\f\r") and not (self._count["pre"] or self._count["textarea"]):
            said = "\n" if "\n" in said else " "
        self._say(said)
        for place in self._inside:
            self._links[place][1].append(said)


def _api(ref: PostRef, claim: Claim) -> Look:
    capture = yield from answers.ask(api_request(ref))
    return capture if isinstance(capture, Finding) else read_status(capture, ref)


# --- ActivityPub ----------------------------------------------------------------------------------------------------


def read_activity(capture: Capture, ref: PostRef) -> Finding:
    """The status as servers tell each other (ActivityStreams 2): a Note or a Question, whole but for the author's shown
    name; a Tombstone where it was. Other software writes the same in other ways: one object in place of a list of one,
    an object in place of its address, the note within the activity that made it."""
    note = _answer(capture)
    if isinstance(note, Finding):
        return note
    if note.get("type") in ("Create", "Update"):
        note = mapping(note.get("object"))
    if note.get("type") == "Tombstone":
        return answers.absent(Reason.DELETED, "Tombstone")
    host = _place(ref)[0]
    said = string(note.get("id")) or ""
    named = match(said)
    content, language = _content(note)
    if note.get("type") not in ("Note", "Question", "Article", "Page") or content is None:
        raise ParseError(f"{capture.url}: an object that is no post: {note.get('type')!r:.60}")
    if named is None or (named != ref and _place(named)[0] == host):
        raise ParseError(f"{capture.url}: asked for {ref}, shows {said[:200]!r}")
    audience = {each for name in ("to", "cc") for each in _each(note.get(name)) if isinstance(each, str)}
    if not audience & _PUBLIC:
        return Finding(Outcome.HIDDEN, Reason.PROTECTED, tombstone="not addressed to the public")
    tags = [mapping(tag) for tag in _each(note.get("tag"))]
    quoted = _quotation(note, tags)
    text, links = _read_html(content, capture, is_quote=quoted is not None)
    actor = next((each for one in _each(note.get("attributedTo")) if (each := _address(one))), None)
    page = _address(note.get("url"))
    who = (_ACTOR.fullmatch(actor) if actor else None) or (_WRITTEN_BY.match(page) if page else None)
    answered = _address(note.get("inReplyTo"))
    replied = match(answered) if answered else None
    tagged = {
        kind: [name for tag in tags if tag.get("type") == kind and (name := string(tag.get("name")))]
        for kind in ("Hashtag", "Mention")
    }
    post = Post(
        ref=ref,
        author=Author((who[2] if who[1] == host else f"{who[2]}@{who[1]}") if who else None, None, actor, actor),
        text=text,
        created_at=moment(note.get("published")),
        lang=language,
        url=page or url(ref),
        links=tuple(dict.fromkeys((*links, *_linked(note.get("attachment"))))),
        media=tuple(_documents(note.get("attachment"))),
        reply_to=replied,
        quotes=match(quoted) if quoted else None,
        counts=counts(
            likes=mapping(note.get("likes")).get("totalItems"), reposts=mapping(note.get("shares")).get("totalItems")
        ),
        extra=pairs(
            uri=said,
            origin=said if named != ref else None,
            origin_post=str(named) if named != ref else None,
            title=string(note.get("name")),
            edited_at=string(note.get("updated")),
            spoiler=string(note.get("summary")),
            is_sensitive=note.get("sensitive") is True or None,
            reply_to=answered if replied is None else None,
            quotes_at=quoted if quoted and match(quoted) is None else None,
            poll=_question(note),
            tags=[name[1:] for name in tagged["Hashtag"] if name.startswith("#")],
            mentions=[name.removeprefix("@") for name in tagged["Mention"]],
            emojis={
                name.strip(":"): picture
                for tag in tags
                if tag.get("type") == "Emoji"
                and (name := string(tag.get("name")))
                and (picture := _address(mapping(tag.get("icon")).get("url")))
            },
        ),
    )
    return Finding(Outcome.FOUND, Reason.OK, post)


def _each(value: Any) -> list[Any]:
    """The members of a list; JSON-LD writes a list of one as the one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _address(value: Any) -> str | None:
    """Where something is: an address, a Link, an object with an id, or the first of several of these."""
    for each in _each(value):
        about = mapping(each)
        if found := web_url(each) or web_url(about.get("href")) or web_url(about.get("id")):
            return found
    return None


def _content(note: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The markup and its language; some software gives it by language only."""
    told = {lang: each for lang, each in mapping(note.get("contentMap")).items() if isinstance(each, str)}
    content = note.get("content")
    if not isinstance(content, str):
        content = next(iter(told.values()), None)
    same = [lang for lang, each in told.items() if each == content]
    return content, string((same or [*told])[0] if told else None)


def _quotation(note: Mapping[str, Any], tags: list[Mapping[str, Any]]) -> str | None:
    """The address of the quoted post: Mastodon's member (FEP-044f), those of others, or a tagged link (FEP-e232)."""
    for name in ("quote", "quoteUrl", "quoteUri", "_misskey_quote"):
        if found := _address(note.get(name)):
            return found
    for tag in tags:
        if (
            tag.get("type") == "Link"
            and "activity" in f"{tag.get('mediaType')}"
            and (found := web_url(tag.get("href")))
        ):
            return found
    return None


def _question(note: Mapping[str, Any]) -> dict[str, Any]:
    """A poll as ActivityPub has it."""
    options = [mapping(each) for each in _each(note.get("oneOf")) or _each(note.get("anyOf"))]
    if not options:
        return {}
    return {
        "options": [
            {"title": string(option.get("name")), "votes": number(mapping(option.get("replies")).get("totalItems"))}
            for option in options
        ],
        "votes": None,
        "voters": number(note.get("votersCount")),
        "ends_at": string(note.get("endTime")) or string(note.get("closed")),
        "is_multiple": bool(_each(note.get("anyOf"))),
    }


def _documents(attachments: Any) -> Iterator[Media]:
    """What is attached. An attachment may be given in several encodings, each a Link: the first one of a kind that is
    known, and then the others, as fallbacks."""
    for place, each in enumerate(map(mapping, _each(attachments)), 1):
        if each.get("type") == "Link":
            continue
        given = [
            (address, str(mapping(one).get("mediaType") or each.get("mediaType")).partition("/")[0])
            for one in _each(each.get("url"))
            if (address := _address(one))
        ]
        if not given:
            continue
        given.sort(key=lambda one: one[1] not in _FAMILIES)
        kind = _FAMILIES.get(given[0][1]) or _FAMILIES.get(str(each.get("type")).lower()) or _kind_of(given[0][0])
        yield Media(
            kind,
            _file_key(given[0][0]) or f"media-{place}",
            tuple(dict.fromkeys(address for address, _ in given)),
            string(each.get("name")) or string(each.get("summary")),
            size(each.get("width")),
            size(each.get("height")),
        )


_FAMILIES = {"image": "photo", "video": "video", "audio": "audio"}


def _linked(attachments: Any) -> Iterator[Link]:
    """Links that are attached in place of a card."""
    for each in map(mapping, _each(attachments)):
        if each.get("type") == "Link" and (target := web_url(each.get("href"))):
            yield Link(target, target, string(each.get("name")))


def _file_key(address: str) -> str | None:
    """The attachment's id, which Mastodon's file paths carry in threes (`/media_attachments/files/112/083/…/`)."""
    found = re.search(r"/media_attachments/files/((?:\d{3}/)+)", address)
    return found[1].replace("/", "").lstrip("0") if found else None


def _activity(ref: PostRef, claim: Claim) -> Look:
    user = _user(claim, _place(ref)[0])
    if user is None:
        return Finding(Outcome.UNKNOWN, Reason.NOT_TRIED)
    capture = yield from answers.ask(activity_request(ref, user))
    finding = capture if isinstance(capture, Finding) else read_activity(capture, ref)
    if finding.outcome is Outcome.ABSENT:
        # The name is the article's claim: that this author has no such post may be the name's fault.
        return Finding(Outcome.UNKNOWN, finding.reason, tombstone=finding.tombstone)
    return finding


# --- oEmbed ---------------------------------------------------------------------------------------------------------


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """Mastodon's oEmbed shows nothing of what a post says: it tells that there is one, or that there is none."""
    answer = _answer(capture)
    if isinstance(answer, Finding):
        return answer
    shown = re.search(r"(?:src|data-embed-url)=\"([^\"]+)", string(answer.get("html")) or "")
    if shown is None or match(shown[1]) != ref:
        raise ParseError(f"{capture.url}: html that embeds no status, or another than {ref}")
    said = (string(answer.get(name)) for name in ("title", "author_name", "author_url"))
    return answers.absent(Reason.UNKNOWN, ", ".join(each for each in said if each))


def _oembed(ref: PostRef, claim: Claim) -> Look:
    user = _user(claim, _place(ref)[0])
    if user is None:
        return Finding(Outcome.UNKNOWN, Reason.NOT_TRIED)
    capture = yield from answers.ask(oembed_request(ref, user))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


# --- web archives ---------------------------------------------------------------------------------------------------


def _archived_addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    """The status's page under its author's name, its ActivityPub id, and the API's answer."""
    host, id = _place(ref)
    user = _user(claim, host)
    named = (f"{host}/@{user}/{id}", f"{host}/users/{user}/statuses/{id}") if user else ()
    return (*named, f"{host}/api/v1/statuses/{id}")


def read_archived(capture: Capture, ref: PostRef) -> Finding:
    """An archived answer of the API or of ActivityPub, or the page: the old one holds the status in microformat
    classes (mastodon:app/views/statuses/_detailed_status.html.haml, to version 4.2), the new one, which is a program,
    describes it in Open Graph's (show.html.haml)."""
    if capture.text.lstrip()[:1] == "{":
        value = mapping(capture.json())
        return read_activity(capture, ref) if "@context" in value else read_status(capture, ref)
    page = answers.page(capture.text, capture)
    named = [found for each in archived.addresses_of(page) if (found := match(each))]
    if not named:
        return answers.walled(capture) or answers.absent(Reason.UNKNOWN, "a page that names no status")
    if ref not in named:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {named[0]}")
    stated = {name: values[0] for name, values in archived.properties(page).items()}
    main = page.select_one(".detailed-status")
    body = main.select_one(".e-content") if main else None
    if body is not None and main is not None:
        text, links = _read_html(body.decode_contents(), capture)
        time = main.select_one("time[datetime]")
        at = moment(str(time["datetime"])) if time else None
        name = main.select_one(".p-name")
    else:
        text, links, name, at = stated.get("og:description", ""), (), None, moment(stated.get("og:published_time"))
    if not text:
        return answers.absent(Reason.UNKNOWN, "a page without the status's text")
    title = re.fullmatch(r"(.*) \(@[^()]*\)", stated.get("og:title", ""))
    acct = stated.get("profile:username", "").removesuffix(f"@{_place(ref)[0].partition(':')[0]}")
    # Where a status has no media, the picture is its author's.
    has_media = stated.get("twitter:card") in ("summary_large_image", "player")
    pictures = [each for each in archived.properties(page).get("og:image", ()) if has_media and web_url(each)]
    post = Post(
        ref=ref,
        author=Author(acct or None, name.get_text().strip() if name else title[1] if title else None),
        text=text,
        created_at=at,
        lang=stated.get("og:locale"),
        url=next(each for each in archived.addresses_of(page) if match(each) == ref),
        links=links,
        media=tuple(
            Media("photo", _file_key(each) or f"photo-{place}", (each,)) for place, each in enumerate(pictures, 1)
        ),
        # The description lists what is attached and the poll's options with the words.
        is_truncated=body is None,
        extra=pairs(read_from="the page's own description of itself" if body is None else "the page"),
    )
    return Finding(Outcome.FOUND, Reason.OK, post)


_HOST = ("the post's server",)
#: What a source that shows a post whole gives of it.
_GIVES = (
    "text, author, account id, time, language, links, pictures, films, sound, alt text, answered post, "
    "quoted post, poll, edits, warnings"
)
_SOURCES = (
    Source(
        "api",
        Rank.FIRST_HAND,
        _api,
        _HOST,
        "Keyless where the server allows it; 300 requests in five minutes. 404 stands for deleted and private alike.",
        gives=parts(f"{_GIVES}, counts, card"),
    ),
    Source(
        "activitypub",
        Rank.FIRST_HAND,
        _activity,
        _HOST,
        "Keyless unless the server asks for signed requests (401). Needs the author's name, which the article states.",
        gives=parts(f"{_GIVES}, counts"),
    ),
    Source(
        "oembed",
        Rank.FIRST_HAND,
        _oembed,
        _HOST,
        "Keyless; tells only whether there is such a post.",
        is_whole=False,
    ),
    wayback(
        _archived_addresses,
        read_archived,
        terms="Needs the author's name for pages; reads API answers without.",
        gives=f"{_GIVES}, counts, card",
    ),
)


def _sources() -> tuple[Source, ...]:
    return _SOURCES


PLATFORM = Platform(
    name="mastodon",
    match=match,
    url=url,
    example=Example("social.example/116242278064339656", "example"),
    posted_at=posted_at,
    sources=_sources,
    markup=Markup(
        screens=(
            r"/@[\w.-]{1,30}(?:@[\w.-]{3,40})?/(?:posts/|statuses/)?\d{5}",
            r"/users/[\w.-]{1,30}/statuses/\d{5}",
            r"/(?:web|deck)/statuses/\d{5}",
            r"mastodon-embed",
            r"truthsocial-embed",
        ),
        classes=("mastodon-embed", "truthsocial-embed"),
        author=r"(?<!/ap)/(?:@|users/)([\w.-]{1,64}(?:@[\w.-]{3,120})?)/",
        handle=r"[\w.-]{1,64}@(?:[\w-]+\.)+[a-z]{2,}",
        has_dates=True,
        bylines=(r"Post by (?P<name>)@(?P<handle>[\w.-]{1,64}@(?:[\w-]+\.)+[a-z]{2,}?)\s*View on Mastodon\b",),
        byline_screens=(r"View on Mastodon",),
    ),
)
