"""JSON Lines: one object a post, everything known of it; the first line says what the file is and what it proves."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from archiver.exports import PROVES, PROVES_NOT, Contents, Export


def write(contents: Contents, out: BinaryIO) -> None:
    """`{"type": "about", …}` first, then `{"type": "post", …}` by platform and id; each capture as its whole record."""
    _line(out, {"type": "about", **contents.about(), "proves": PROVES, "proves_not": PROVES_NOT})
    for post in contents.posts():
        captures = [{"id": each["id"], **contents.record(each["id"])} for each in post["captures"]]
        _line(out, {"type": "post", **post, "captures": captures})


def _line(out: BinaryIO, value: dict[str, Any]) -> None:
    out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


EXPORT = Export("jsonl", ".jsonl", "one JSON object a post, for programs and data sets", write)
