"""The simulated web at a size where it must not look through everything for every answer.

Nothing is answered differently: handlers are given a view of the register with only the captures (or posts) that can
matter to the request, found by sorted key.
"""

from __future__ import annotations

import bisect
import copy
import dataclasses
import datetime as dt
import re
from collections import defaultdict
from typing import Any
from urllib.parse import unquote

from tests.simulator.archived import FORMS
from tests.simulator.exchange import Request, Response
from tests.simulator.hosts.wayback import _GATE, _REPLAY, _url
from tests.simulator.mementos import Memento, urlkey
from tests.simulator.world import Account, Post, World

_TIMEMAP = re.compile(r"^/web/timemap/(?:link|json)/(.+)$", re.DOTALL)


class LargeWorld(World):
    """A `World` whose accounts are found by handle and whose mementos are found by URL key, both by index."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._holders: dict[str, list[str]] = defaultdict(list)
        self._answers: dict[str, list[str]] = defaultdict(list)
        self._keys: list[str] = []
        self._sorted: list[Memento] = []

    # --- accounts ---

    def account(self, handle: str, *arguments: Any, **named: Any) -> Account:
        made = super().account(handle, *arguments, **named)
        if made.id not in self._holders[handle.lower()]:
            self._holders[handle.lower()].append(made.id)
        return made

    def rename(self, handle: str, new: str, at: dt.datetime | None = None) -> None:
        account = self.account(handle)
        super().rename(handle, new, at)
        self._holders[new.lower()].append(account.id)
        # What is posted from now on is posted under the new name.
        self.accounts[account.id] = dataclasses.replace(account, handle=new)

    def find_account(self, handle: str) -> Account | None:
        for id in self._holders.get(handle.lower(), ()):
            if self.handle_of(id).lower() == handle.lower():
                return self.accounts[id]
        return None

    def handle_at(self, account_id: str, at: dt.datetime) -> str:
        """The handle an account had at some time."""
        return [handle for since, handle in self._handles[account_id] if since <= at][-1]

    # --- posts and captures ---

    def post(self, *arguments: Any, **named: Any) -> Post:
        made = super().post(*arguments, **named)
        if made.reply_to:
            self._answers[made.reply_to].append(made.id)
        return made

    def archive(self, post: Post, at: dt.datetime, form: str = "v1", url: str | None = None) -> Memento:
        near = {post.id, post.reply_to, post.quotes, post.media_of, *self._edits[post.id], *self._answers[post.id]}
        near |= {self.posts[id].media_of for id in near if id}
        view = copy.copy(self)
        view.posts = {id: self.posts[id] for id in near if id}
        got = FORMS[form](view, post)
        return self.memento(
            url or f"https://twitter.com{post.path}",
            at,
            got.body,
            status=got.status,
            mime=got.mime,
            headers=got.headers,
        )

    # --- answering ---

    def respond(self, request: Request) -> Response:
        prefix = _wanted(request) if request.host == "web.archive.org" else None
        if prefix is None:
            return super().respond(request)
        view = copy.copy(self)
        view.mementos = self._beginning_with(prefix)
        return World.respond(view, request)

    def _beginning_with(self, prefix: str) -> list[Memento]:
        if len(self._sorted) != len(self.mementos):
            self._sorted = sorted(self.mementos, key=lambda memento: memento.urlkey)
            self._keys = [memento.urlkey for memento in self._sorted]
        first = bisect.bisect_left(self._keys, prefix)
        last = bisect.bisect_right(self._keys, prefix + "\U0010ffff")
        return self._sorted[first:last]


def _wanted(request: Request) -> str | None:
    """What the URL key of every capture that can matter to a request begins with; None where that is not known."""
    if request.path == "/cdx/search/cdx":
        url = request.query.get("url", "")
        if url.startswith("*.") or request.query.get("matchType") in ("host", "domain") or not url:
            return None
        return urlkey(url.removesuffix("*"))
    for pattern, group in ((_TIMEMAP, 1), (_REPLAY, 3), (_GATE, 1)):
        if found := pattern.match(request.target):
            return urlkey(_url(unquote(found[group]) if pattern is _GATE else found[group]))
    return None
