"""`archiver reread`: what an archive's keeper does to it after the fact."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path

from archiver import articles
from archiver import reread as rereading
from archiver.config import Config
from archiver.errors import InputError
from archiver.running import rules
from archiver.store import Writer

#: Changes that are listed for a person; the rest are counted (`--json` lists all).
_LISTED = 20


def reread(config: Config, path: Path, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rebuild opinions from facts and say what changed."""
    with _writer(path) as writer:
        found = rereading.reread(
            writer, rules(config, environ), now=_now, extract=articles.embeds, text_of=articles.text_of
        )
    if options.json:
        changes = [dataclasses.asdict(each) for each in found.changes]
        said = {"articles": found.articles, "looks": found.attempts, "changes": changes, "kept": list(found.kept)}
        print(json.dumps({**said, "counts": found.counts()}, ensure_ascii=False))
        return 0
    print(f"{path}: {found.articles} articles and {found.attempts} looks read again from their captures")
    for what, count in found.counts().items():
        print(f"  {what}: {count}")
    for each in found.changes[:_LISTED]:
        print(f"    {each.what} {each.table} {each.name}")
    if len(found.changes) > _LISTED:
        print(f"    and {len(found.changes) - _LISTED} more; --json lists all")
    if not found.changes:
        print("  nothing changed")
    for line in found.kept[:_LISTED]:
        print(f"  left as it was: {line}")
    if len(found.kept) > _LISTED:
        print(f"  and {len(found.kept) - _LISTED} more left as they were")
    return 0


def _writer(path: Path) -> Writer:
    if not path.exists():
        raise InputError(f"{path}: no archive there. Make one with `archiver run`, or name it with --archive.")
    return Writer(path, holder=f"pid {os.getpid()} on {os.uname().nodename}", now=_now)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
