"""RO-Crate 1.1: the archive as a research data set, with a card that repositories read.

https://www.researchobject.org/ro-crate/specification/1.1/. A ZIP of other exports and `ro-crate-metadata.json`, which
names each with its size, type and SHA-256. Who may use the posts is not ours to say, and the crate says that.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from archiver.exports import PROVES, PROVES_NOT, SAYS, Contents, Export, exports
from archiver.exports.zipped import Member, Zip

#: (name in the crate, export, media type, what it is). Text is compressed by the ZIP.
_FILES = (
    ("posts.jsonl", "jsonl", "application/x-ndjson", "Everything known of each post, one JSON object a line"),
    ("embeds.csv", "csv", "text/csv", "Each place in an article that shows a post, one row each"),
    ("provenance.json", "prov-json", "application/json", "Who saw what, when and how (W3C PROV-JSON)"),
    ("annotations.jsonld", "annotations", "application/ld+json", "Which place shows which post (W3C Web Annotation)"),
    ("captures.warc.gz", "warc", "application/warc", "Every request and answer, byte for byte (WARC/1.1)"),
)


def write(contents: Contents, out: BinaryIO) -> None:
    """The files, then the card."""
    about = contents.about()
    with Zip(out) as packed:
        for name, export, *_ in _FILES:
            with packed.member(name, compress=not name.endswith(".gz")) as stream:
                exports()[export].write(contents, stream)
        card = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": _graph(about, packed.members)}
        packed.add("ro-crate-metadata.json", json.dumps(card, indent=1, ensure_ascii=False).encode("utf-8", "replace"))


def _graph(about: dict[str, Any], members: list[Member]) -> list[dict[str, Any]]:
    chosen = json.dumps(about["selection"], ensure_ascii=False) if about["selection"] else "everything in the archive"
    files = [
        {
            "@id": member.name,
            "@type": "File",
            "name": says,
            "encodingFormat": kind,
            "contentSize": str(member.size),
            "sha256": member.sha256,
        }
        for member, (_, _, kind, says) in zip(members, _FILES, strict=True)
    ]
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "Archived social posts and the articles that show them",
            "description": f"{about['posts']} posts, shown {about['embeds']} times. Selection: {chosen}. "
            f"{PROVES} {PROVES_NOT}",
            # The day of the youngest capture in it: a crate made twice of the same archive is the same crate.
            "datePublished": (about["last_at"] or "1970-01-01")[:10],
            "license": {"@id": "#rights"},
            "hasPart": [{"@id": each["@id"]} for each in files],
            "mentions": {"@id": "#made"},
        },
        *files,
        {
            "@id": "#rights",
            "@type": "CreativeWork",
            "name": "No licence is stated",
            "description": "Posts and media belong to their authors; archiving them gives nobody a right to publish "
            "them. Ask, or know your law.",
        },
        {
            "@id": "#software",
            "@type": "SoftwareApplication",
            "name": "archiver",
            "softwareVersion": about["software"].partition("/")[2],
        },
        {
            "@id": "#made",
            "@type": "CreateAction",
            "name": "Export of an archive",
            "description": " ".join(SAYS.values()),
            "instrument": {"@id": "#software"},
            "result": {"@id": "./"},
        },
    ]


def check(path: Path) -> list[str]:
    """What is wrong with a crate of ours, a sentence each: every file against the size and digest on the card."""
    try:
        with zipfile.ZipFile(path) as packed:
            return list(_faults(packed))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return [f"cannot be read as a ZIP file: {error}"]


def _faults(packed: zipfile.ZipFile) -> Iterator[str]:
    try:
        graph = json.loads(packed.read("ro-crate-metadata.json"))["@graph"]
        files = {each["@id"]: each["sha256"] for each in graph if each["@type"] == "File"}
    except (KeyError, TypeError, ValueError) as error:
        yield f"its card cannot be read: {error!r}"
        return
    for name in sorted(set(packed.namelist()) ^ {*files, "ro-crate-metadata.json"}):
        yield f"{name} is only on the card, or only in the crate"
    for name in sorted(set(packed.namelist()) & files.keys()):
        digest = hashlib.sha256()
        try:
            with packed.open(name) as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            yield f"{name} is damaged: {error}"
            continue
        if digest.hexdigest() != files[name]:
            yield f"{name} is not what the card says"


EXPORT = Export("rocrate", ".crate.zip", "RO-Crate 1.1, a data set that research repositories read", write, check)
