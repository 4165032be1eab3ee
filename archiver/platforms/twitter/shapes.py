"""A payload of an X post of which nobody says the shape: what a web archive kept, or a file that somebody saved."""

from __future__ import annotations

from typing import Any

from archiver.platforms.twitter.payloads import Absence, Shown, graphql, legacy, tombstone, v2
from archiver.platforms.twitter.relays import fx, vx
from archiver.untyped import mapping


def read(payload: Any, id: str) -> Shown | Absence | None:
    """Post *id* in a payload of any known shape; None where the
    payload names no post at all. ParseError where it shows one that cannot be read."""
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    payload = mapping(payload)
    data = mapping(payload.get("data"))
    for key in ("tweetResult", "tweet_result"):
        result = data.get(key)
        result = result[0] if isinstance(result, list) and result else result
        if mapping(mapping(result).get("result")):
            return graphql(mapping(mapping(result).get("result")))
    if "data" in payload or ("errors" in payload and "id_str" not in payload):
        return v2(payload, id)
    if payload.get("__typename") in ("TweetTombstone", "TweetUnavailable"):
        return tombstone(payload)
    if "tweetID" in payload:
        return vx(payload)
    if "code" in payload and ("status" in payload or "tweet" in payload or "message" in payload):
        return fx(payload)
    if "id_str" in payload or ("id" in payload and ("text" in payload or "full_text" in payload)):
        return legacy(payload)
    return None
