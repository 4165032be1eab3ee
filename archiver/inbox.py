"""What people queue by hand (`archiver add`), and what is to be entered into the ledger while a run is writing it: a
folder beside the archive, for the archive has one writer.

`put` leaves a note there, whole or not at all; whoever writes the archive takes the notes in and then clears them. A
kill between the two takes a note in twice, which is queueing it once (docs/decisions/0009-inbox.md).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.errors import ArchiveError
from archiver.model import moment, timestamp

#: A note beyond this is none of ours.
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody queued: URLs and absolute paths; or a custody event (kind, when, what is said of it) that happened
    meanwhile. `problem` where the note cannot be read."""

    file: Path
    inputs: tuple[str, ...] = ()
    problem: str | None = None
    event: tuple[str, dt.datetime, dict[str, Any]] | None = None

    def clear(self) -> None:
        """It was taken in."""
        with contextlib.suppress(FileNotFoundError):
            self.file.unlink()


def folder(archive: Path) -> Path:
    return archive.with_name(archive.name + ".inbox")


def put(archive: Path, inputs: Iterable[str], at: dt.datetime) -> None:
    """Queue URLs and absolute paths; on disk when it returns. ArchiveError if the folder cannot be written."""
    _put(archive, {"added_at": timestamp(at), "inputs": list(inputs)}, at)


def put_event(archive: Path, kind: str, at: dt.datetime, said: dict[str, Any]) -> None:
    """Leave a custody event to whoever writes the archive; on disk when it returns. ArchiveError as above."""
    _put(archive, {"event": kind, "at": timestamp(at), "said": said}, at)


def _put(archive: Path, content: dict[str, Any], at: dt.datetime) -> None:
    inbox = folder(archive)
    name = f"{at:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}.json"
    draft = inbox / f".{name}"
    said = json.dumps(content, ensure_ascii=False)
    try:
        inbox.mkdir(exist_ok=True)
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(said)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(inbox / name)
    except OSError as error:
        raise ArchiveError(
            f"{inbox}: cannot be written ({error.strerror or error}). Make it writable, or name another archive with "
            "--archive."
        ) from error


def notes(archive: Path) -> Iterator[Note]:
    """What waits, oldest first. Nothing of it is cleared."""
    try:
        names = sorted(each.name for each in folder(archive).iterdir() if each.name.endswith(".json"))
    except OSError:
        return
    for name in names:
        file = folder(archive) / name
        if name.startswith("."):
            continue
        try:
            with file.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
            read = json.loads(content) if len(content) <= _LARGEST else {}
            if "event" in read:
                yield Note(file, event=(str(read["event"]), moment(read["at"]), dict(read["said"])))
                continue
            inputs = read["inputs"]
            if not isinstance(inputs, list) or not all(isinstance(each, str) and each for each in inputs):
                raise ValueError("it lists no inputs")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            yield Note(file, problem=f"{file}: is no note of `archiver add` ({error}); it is left out")
        else:
            yield Note(file, tuple(inputs))
