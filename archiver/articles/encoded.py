"""Markup that a page keeps percent-encoded or in Base64: embed codes that wait for a reader's consent, or for scripts
that write them where they belong.

https://www.rfc-editor.org/rfc/rfc3986#section-2.1, https://www.rfc-editor.org/rfc/rfc4648#section-4
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse

#: How Base64 writes the beginning of `<blockquote`, `<iframe`, `<figure`, `<div`, `<script` and `<amp-`, as far as what
#: follows does not change it. Percent escapes need none: names of classes and posts stand between them as they are.
SCREENS = ("PGJsb2NrcXVvdG", "PGlmcmFtZ", "PGZpZ3VyZ", "PGRpdi", "PGRpdj", "PHNjcmlwd", "PGFtcC")

_BASE64 = re.compile(rf"(?:{'|'.join(SCREENS)})[A-Za-z0-9+/_\s-]*=*\s*")
_PERCENT = re.compile(r"%(?:25){0,3}3[cC]")
_DATA = re.compile(r"data:text/html[^,]{0,80},", re.IGNORECASE)
_STANDARD = str.maketrans("-_", "+/")


def revealed(text: str) -> str | None:
    """The markup that the whole of *text* encodes; None where it encodes none."""
    text = text.strip()
    if text[:5].lower() == "data:" and (head := _DATA.match(text)):
        text = text[head.end() :]
    if text[:1] == "%" and _PERCENT.match(text):
        for _ in range(4):
            text = urllib.parse.unquote(text)
            if text[:1] == "<":
                return text
        return None
    if text[:1] == "P" and _BASE64.fullmatch(text):
        packed = "".join(text.split()).rstrip("=").translate(_STANDARD)
        try:
            return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode("utf-8", "replace")
        except binascii.Error:
            return None
    return None
