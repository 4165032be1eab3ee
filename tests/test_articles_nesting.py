"""Pages made to stall the tree builder end in a result or a named refusal, however they hide what stalls it."""

import random

import pytest

from archiver.articles import embeds
from archiver.articles.budget import Budget
from archiver.articles.nesting import guard
from archiver.articles.tokens import WHOLE_TAG, raw_end
from archiver.errors import InputError
from tests.pace import within

LINK = b'<p><a href="https://twitter.com/harbour/status/1234567890123456789">x</a>'
ATTRIBUTES = b" ".join(b"a%d=1" % n for n in range(3000))
LONG = (b"<g " + ATTRIBUTES + b">") * 100
QUOTED = (b"<g " + b" ".join(b'a%d=">"' % n for n in range(3000)) + b">") * 100
DEEP = b"<div>" * 60_000

#: What hides a bomb: before it, and behind it.
HIDDEN = {
    "nothing": (b"", b""),
    "a script in a value": (b'<p x="<script>">', b"</script>"),
    "a script in a value in single quotes": (b"<p x='<script>'>", b"</script>"),
    "a script in a value without quotes": (b"<p x=<script>", b"</script>"),
    "a script for an attribute": (b"<p <script>", b"</script>"),
    "a script in an end tag": (b'</p x="<script>">', b"</script>"),
    "a comment in a value": (b'<p x="<!--">', b"-->"),
    "a quote that opens no value": (b'<p "x="><script>', b"</script>"),
    "a quote within a value": (b'<p x=a"><script>', b"</script>\">"),
    "a comment that is whole": (b"<!-->", b"-->"),
    "another comment that is whole": (b"<!--->", b"-->"),
    "a comment that ends with a bang": (b"<!-- --!>", b"-->"),
    "a longer name": (b"<style-x>", b"</style>"),
    "a longer name's end": (b"<script></script-x></script>", b"</script>"),
    "an end tag in a script's comment": (b"<script><!--<script></script>--></script>", b"</script>"),
    "a script's comment that is whole": (b"<script><!--><script></script>", b"</script>"),
    "a title in a select": (b"<select><title>", b"</title></select>"),
    "a style in SVG": (b"<svg><style>", b"</style></svg>"),
    "a style in SVG that does not end in a value": (b'<svg><g x="</svg>"><style>', b"</style></svg>"),
    "a style in SVG that does not end in raw text": (b"<svg><style></svg></style><style>", b"</style></svg>"),
    "a comment in CDATA": (b"<svg><![CDATA[ <!-- ]]>", b"-->"),
    "CDATA in no SVG": (b"<p><![CDATA[ >", b"]]>"),
    "a title in a template of columns": (b"<template><col><title>", b"</title></template>"),
    "a frameset": (b"<html><frameset><title>", b"</title></frameset>"),
    "noscript": (b"<noscript>", b"</noscript>"),
    "a template": (b"<template>", b"</template>"),
    "a declaration": (b'<!DOCTYPE html "<!--">', b"-->"),
}  # fmt: skip
STALLING = {"deep": DEEP, "long tags": LONG, "tags of many quotes": QUOTED}

#: What an adversary may count on being forgotten.
BOMBS = {
    "end tags in values": b'<div x="</div>">' * 60_000,
    "end tags of what is not open": b"<div></x>" * 60_000,
    "end tags that a table keeps off": b"<div><table></div>" * 40_000,
    "shapes outside of SVG": b"<rp><path>" * 60_000,
    "ruby": b"<rt>" * 60_000,
    "groups of options": b"<optgroup>" * 60_000,
    "list items in definitions": b"<li><dd>" * 60_000,
    "forms that their end tags leave open": b"<form><table></form></table></form>" * 60_000,
    "forms within forms": b"<form><table><form></form></table></form>" * 60_000,
    "links in SVG": b"<svg>" + b"<link>" * 60_000,
    "cells in SVG": b"<svg>" + b"<td>" * 60_000,
    "list items in MathML": b"<math><mi><li>" * 60_000,
    "cells in SVG, and tables' ends": b"<svg><p>" + b"</table><td>" * 60_000,
    "an unquoted slash": b"<svg>" + b"<g x=a/>" * 60_000,
    "end tags below what is deep": b"<div>" * 7_900 + b"</x>" * 200_000,
    "elements below what is deep": b"<g>" * 7_900 + b"<div></div>" * 100_000,
    "options": b"<select>" + b"<option>x" * 60_000,
    "formatting that other end tags do not close": (
        b"<p>" + b"".join(b"<b a=%d></i>" % n for n in range(1000)) + b"</p>" + b"<p>x" * 40_000
    ),
    "formatting in a value": (
        b'<p x="<script>"><p>' + b"".join(b"<b a=%d>" % n for n in range(1000)) + b"</p>" + b"<p>x" * 40_000
    ),
    "formatting behind the last reference": (
        LINK + b"<blockquote class=twitter-tweet>" + LINK + b"<p>" + b"".join(b"<b a=%d>" % n for n in range(1000))
        + b"</p>" + b"<p>x" * 40_000 + b"</blockquote>"
    ),
    "attributes of one body": b"".join(b"<body a%d>" % n for n in range(60_000)),
    "attributes of one html": b"".join(b"<html a%d><link>" % n for n in range(20_000)),
    "one tag": b"<g " + b" ".join(b"a%d" % n for n in range(60_000)) + b">",
    "names of attributes": b"".join(
        b"<g " + b" ".join(b"%x" % (n + each) for n in range(0xB0000, 0xB0000 + 60)) + b">x</g>"
        for each in range(0, 200_000, 60)
    ),
    "one tag of quotes": b"<g " + b"".join(b"a%d='>'" % n for n in range(60_000)) + b">",
}  # fmt: skip


def _read(page: bytes) -> None:
    try:
        assert embeds(page, location="bomb.html")
    except InputError as error:
        assert "too deep" in str(error) or "too large" in str(error)
        assert "bomb.html" in str(error)


def _ends(page: bytes) -> None:
    within(2, _read, page)


@pytest.mark.parametrize("bomb", STALLING)
@pytest.mark.parametrize("name", HIDDEN)
def test_what_hides_a_bomb_does_not_let_it_through(name, bomb):
    before, behind = HIDDEN[name]
    _ends(LINK + before + STALLING[bomb] + behind + LINK)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_counted_as_the_tree_builder_would(name):
    _ends(LINK + BOMBS[name] + LINK)


@pytest.mark.parametrize("seed", range(40))
def test_hiding_places_in_one_another_let_no_bomb_through(seed):
    chosen = random.Random(seed)
    before = behind = b""
    for _ in range(chosen.randint(2, 5)):
        opening, closing = HIDDEN[chosen.choice(list(HIDDEN))]
        before, behind = before + opening, chosen.choice((closing + behind, behind + closing))
    _ends(LINK + before + STALLING[chosen.choice(list(STALLING))] + behind + LINK)


@pytest.mark.parametrize(
    "page",
    [
        b"<svg><g><path d='M0'/></g><title>x</title></svg>" * 20_000,
        b"<ul>" + b"<li>x" * 40_000 + b"</ul>",
        b"<table>" + b"<tr><td>x<td><p>y" * 30_000 + b"</table>",
        b"<select><option>a<option>b</select>" * 20_000,
        b"<dl>" + b"<dt>x<dd>y" * 30_000 + b"</dl>",
        b"<script>" + b"for(var i=0;i<n;i++){a='b';c=\"d\"};" * 50_000 + b"</script><p>x",
        b"<div data-x='" + b'{"a": "b c", "d": [1, 2]}, ' * 50_000 + b"'></div>",
        b"<script>" + b'{"a": "b c <br d", "e": "f=", "g": [1, 2]}, ' * 50_000 + b"</script>",
    ],
)
def test_a_large_page_is_no_bomb(page):
    guard(page, 0, 0, len(page), Budget("a.html"))


@pytest.mark.parametrize(
    ("page", "length"),
    [
        (b'<p x=">">', 9), (b"<p 'x=>", 7), (b"<p x=a'>", 8), (b'<p x=""y>', 9), (b"<p =\">", 6), (b"<p x=>", 6),
        (b'<p x = ">">', 11), (b"<p x/=\">", 8), (b"<p x='>", None), (b"<p x", None), (b'</p x=">">', 10),
        (b"<a<b>", 5), (b"<p\vx=\">", 7),
    ],
)  # fmt: skip
def test_a_tag_ends_where_the_standard_says(page, length):
    found = WHOLE_TAG.match(page + b" " * 9)
    assert (found and found.end()) == length


@pytest.mark.parametrize(
    ("script", "end"),
    [
        (b"a</script>", 1), (b"a</scripty></script >", 11), (b"<!--<script></script>--></script>", 24),
        (b"<!--<script></script></script>", 21), (b"<!--></script>", 5), (b"<!--<script>--></script>", 15),
        (b"<!-- --!><script></script></script>", 26), (b"<!--<scripty></script>", 13), (b"<script></script>", 8),
    ],
)  # fmt: skip
def test_a_script_ends_where_the_standard_says(script, end):
    assert raw_end(script, b"script", 0) == end
