"""W3C Web Annotations (JSON-LD): one per embed, the post as the body, the place in the article as the target.

https://www.w3.org/TR/annotation-model/. Selectors are those that the article's reader found; the state says which bytes
of the article they count in. What the model has no word for (verdict, resolution) stands under our own prefix.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from archiver.exports import SAYS, Contents, Export
from archiver.exports.records import uri

CONTEXT = (
    "http://www.w3.org/ns/anno.jsonld",
    {"archiver": "urn:archiver:terms:", "proves": "archiver:proves", "proves_not": "archiver:proves_not"},
)


def write(contents: Contents, out: BinaryIO) -> None:
    """An AnnotationPage whose items are written one by one, by article and place in it."""
    about = contents.about()
    head = {
        "@context": CONTEXT,
        "id": "urn:archiver:annotations",
        "type": "AnnotationPage",
        **SAYS,
        "generator": {"id": "urn:archiver:software", "type": "Software", "name": about["software"]},
    }
    out.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "items": [')
    for number, embed in enumerate(contents.embeds()):
        item = json.dumps(_annotation(embed, contents), ensure_ascii=False)
        out.write((",\n" if number else "\n").encode() + item.encode("utf-8", "replace"))
    out.write(b"\n]}\n")


def _annotation(embed: dict[str, Any], contents: Contents) -> dict[str, Any]:
    record = contents.record(embed["capture"])
    target: dict[str, Any] = {
        "type": "SpecificResource",
        "source": _iri(embed["location"]),
        "state": {
            "type": "TimeState",
            "sourceDate": record["started_at"],
            "archiver:capture": f"sha256:{embed['capture']}",
            "archiver:payload": f"sha256:{record['payload']['sha256']}",
        },
    }
    if embed["selectors"]:
        target["selector"] = [_selector(each) for each in embed["selectors"]]
    bodies: list[dict[str, Any]] = []
    seen_by: list[str] = []
    if embed["post"]:
        post = contents.post(embed["platform"], embed["post"])
        bodies.append({"type": "SpecificResource", "source": _iri(post["url"]), "purpose": "identifying"})
        seen_by = sorted({each["source"] for each in post["snapshots"]})
    verdict = embed["corroboration"]
    stands = f"{embed['state']} ({embed['reason']})"
    compared = f"; the article against the post: {verdict['overall']}" if verdict else ""
    bodies.append({"type": "TextualBody", "purpose": "assessing", "language": "en", "value": f"{stands}{compared}"})
    found: dict[str, Any] = {
        "id": f"urn:archiver:embed:{embed['embed']}",
        "type": "Annotation",
        "motivation": "identifying" if embed["post"] else "highlighting",
        "body": bodies,
        "target": target,
        "archiver:platform": embed["platform"],
        "archiver:kind": embed["kind"],
        "archiver:state": embed["state"],
        "archiver:reason": embed["reason"],
    }
    for name in ("post", "handle", "name", "date"):
        if embed[name]:
            found[f"archiver:{name}"] = embed[name]
    if seen_by:
        found["archiver:seenBy"] = seen_by
    if verdict:
        found["archiver:verdict"] = verdict["overall"]
        found["archiver:field"] = [
            {"archiver:name": name, "archiver:verdict": field["verdict"]} for name, field in verdict["fields"].items()
        ]
    return found


def _selector(selector: dict[str, Any]) -> dict[str, Any]:
    """As found; where a selector is refined by others, so are they."""
    return {name: value for name, value in selector.items() if value is not None}


def _iri(url: str) -> str:
    """An absolute IRI, or one of our own that says it was none."""
    name = uri(url)
    scheme = name.partition(":")[0]
    return name if scheme in ("http", "https", "file", "at", "urn") else f"urn:archiver:unlinked:{uri(name)}"


EXPORT = Export("annotations", ".jsonld", "W3C Web Annotations: which place in which article shows which post", write)
