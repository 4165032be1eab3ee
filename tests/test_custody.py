"""Every export, erasure, merge and import is an event of the ledger, also while a service writes the archive."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prov.model import ProvDocument

from archiver import inbox as waiting
from archiver.store import connect_to_read, facts
from tests.commands import Run
from tests.simulator.world import World
from tests.test_path import small
from tests.test_service import inbox, service, until

__all__ = ["inbox", "service", "small"]


def noted(archiver: Run, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archiver("ledger", "--events", *options).stdout.splitlines()]


@pytest.mark.slow
def test_an_export_made_while_a_service_runs_is_noted_by_the_service(
    service: Callable[[], subprocess.Popen[str]], inbox: Path, archiver: Run, home: Path
) -> None:
    child = service()
    until(archiver, {"archived": 1})
    done = archiver("export", "jsonl", "--out", "out.jsonl")
    assert "it will note this export in the ledger" in done.stderr
    deadline = time.monotonic() + 40
    while not noted(archiver) and time.monotonic() < deadline:
        time.sleep(0.3)
    (event,) = noted(archiver)
    assert event["sha256"] == hashlib.sha256((home / "out.jsonl").read_bytes()).hexdigest()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=40)
    assert "sound" in archiver("verify").stdout
    assert "noted it in its ledger" in archiver("verify", "out.jsonl", "--archive", "archive.db").stdout
    assert list(waiting.notes(home / "archive.db")) == []


def test_a_note_that_no_service_took_is_taken_by_the_next_who_writes(
    small: dict[str, Any], archiver: Run, home: Path
) -> None:
    import datetime as dt

    archiver("run", "--once", "a.html")
    at = dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC)
    for _ in range(2):  # twice is once: a kill between taking and clearing
        waiting.put_event(home / "archive.db", "export", at, {"format": "csv", "file": None, "sha256": "0" * 64})
    archiver("export", "jsonl", "--out", "out.jsonl")
    first, second = noted(archiver)
    assert (first["format"], first["at"]) == ("csv", "2026-05-02T12:00:00.000000Z")
    assert second["format"] == "jsonl"
    waiting.put_event(home / "archive.db", "export", at + dt.timedelta(1), {"format": "warc"})
    archiver("run", "--once", "a.html")
    assert [each["format"] for each in noted(archiver)] == ["csv", "jsonl", "warc"]


def test_every_act_of_custody_is_an_event_under_the_next_checkpoint(
    small: dict[str, Any], archiver: Run, home: Path, world: World
) -> None:
    archiver("run", "--once", "--record", "web.warc.gz", "a.html")
    archiver("export", "csv", "--out", "out.csv")
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    archiver("erase", small["crane"].id, "--reason", "a court order", "--yes")
    archiver("run", "--once", "--archive", "b.db", "a.html")
    archiver("merge", "archive.db", "b.db", "--out", "both.db")
    assert [each["event"] for each in noted(archiver)] == ["export", "import", "erase"]
    assert {each["event"] for each in noted(archiver, "--archive", "both.db")} == {"export", "import", "erase", "merge"}
    for each in noted(archiver):
        proof = json.loads(archiver("ledger", "--prove", each["capture"]).stdout)
        assert proof, "each is a leaf that the signed checkpoint covers"
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        for each in noted(archiver):
            assert facts.capture(db, each["capture"]).origin.kind == "event"


def test_a_record_says_who_looked_with_which_tool_and_configuration(
    small: dict[str, Any], archiver: Run, home: Path
) -> None:
    from archiver import __version__

    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(f'[operator]\nname = "Desk of the Example Times"\n{config}')
    archiver("run", "--once", "a.html")
    (found,) = json.loads(archiver("lookup", "--json", small["crane"].id).stdout)["posts"]
    (run,) = found["runs"]
    assert (run["operator"], run["software"]) == ("Desk of the Example Times", f"archiver/{__version__}")
    assert len(run["configuration"]) == 64
    assert {each["run"] for each in found["attempts"]} == {run["id"]}
    for form in ("jsonl", "prov-json", "report"):
        assert "Desk of the Example Times" in archiver("export", form, "--no-note").stdout, form
    content = archiver("export", "prov-json", "--no-note").stdout
    document = ProvDocument.deserialize(content=content)
    assert document == ProvDocument.deserialize(content=document.serialize())
    (bundle,) = (each for each in document.bundles if small["crane"].id in str(each.identifier))
    assert "Desk of the Example Times" in bundle.get_provn()
    assert len(bundle.records) == sum(
        len(members) for members in json.loads(content)["bundle"][str(bundle.identifier)].values()
    )


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"event": 5}',
        '{"event": "x", "at": "never", "said": {}}',
        "[]",
        '{"event": "x", "at": "2026-01-01T00:00:00Z", "said": [1]}',
    ],
)
def test_a_note_that_is_none_stops_nobody(content: str, small: dict[str, Any], archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html")
    waiting.folder(home / "archive.db").mkdir(exist_ok=True)
    (waiting.folder(home / "archive.db") / "x.json").write_text(content)
    archiver("run", "--once", "a.html", expect=None)
    archiver("export", "jsonl", "--out", "out.jsonl")
    assert [each["event"] for each in noted(archiver)] == ["export"]
