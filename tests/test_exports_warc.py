"""The WARC export, read by software that others wrote."""

from __future__ import annotations

import collections
import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from archiver.exports import exports
from archiver.model import Body, Capture, Origin, moment
from archiver.store import Writer
from archiver.store.contents import StoredContents
from tests.archives import HOSTILE, START, answer, build, opened


def written(archive: Path, to: Path) -> Path:
    with opened(archive) as db, to.open("wb") as out:
        exports()["warc"].write(StoredContents(db), out)
    return to


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "hostile"])
def warc(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("warc")
    archive = build(folder / "archive.db", 6 * len(HOSTILE) if request.param else 12, hostile=request.param)
    return archive, written(archive, folder / "out.warc.gz")


def kept(archive: Path) -> dict[str, Capture]:
    with opened(archive) as db:
        return {held.id: held.capture for held in StoredContents(db).captures()}


def fields(content: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in content.decode("utf-8", "replace").split("\r\n") if ": " in line)  # type: ignore[misc]


def test_warcio_checks_every_record(warc: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", str(warc[1])])
    assert not ended.value.code
    said = capsys.readouterr().out
    with warc[1].open("rb") as stream:
        counts = collections.Counter(record.rec_type for record in ArchiveIterator(stream))
    assert said.count("digest pass") == sum(counts.values()) - counts["revisit"]
    assert "fail" not in said


def test_fastwarc_reads_every_record_and_its_digests(warc: tuple[Path, Path]) -> None:
    counts: collections.Counter[str] = collections.Counter()
    for record in FastIterator(warc[1].open("rb"), parse_http=False):
        counts[str(record.record_type)] += 1
        assert record.verify_block_digest()
    for record in FastIterator(warc[1].open("rb")):
        if str(record.record_type) in ("response", "request"):
            assert record.is_http_parsed
            assert record.verify_payload_digest()
    captures = kept(warc[0]).values()
    asked = sum(capture.status is not None for capture in captures)
    assert counts["response"] + counts["revisit"] == counts["request"] == asked
    assert counts["revisit"] >= 2
    assert counts["resource"] == len(captures) - asked
    assert counts["metadata"] == len(captures)
    assert counts["warcinfo"] == 1


def test_every_capture_can_be_read_back(warc: tuple[Path, Path]) -> None:
    """URL, time, status, headers, body, address, origin: nothing is lost on the way, and nothing made up."""
    found: dict[str, dict[str, object]] = {}
    bodies: dict[str, bytes] = {}
    with warc[1].open("rb") as stream:
        for record in ArchiveIterator(stream):
            head, content = record.rec_headers, record.raw_stream.read()
            id = head["WARC-Record-ID"]
            if record.rec_type in ("response", "revisit", "resource"):
                bodies[id] = bodies[head["WARC-Refers-To"]] if record.rec_type == "revisit" else content
                found[id] = {"head": head, "http": record.http_headers, "kind": record.rec_type}
            elif record.rec_type == "metadata":
                found[head["WARC-Refers-To"]]["said"] = fields(content)
    captures = kept(warc[0])
    assert len(found) == len(captures)
    for id, each in found.items():
        said: dict[str, str] = each["said"]  # type: ignore[assignment]  # as put in above
        head = each["head"]
        capture = captures[said["archiver-capture"].removeprefix("sha256:")]
        assert hashlib.sha256(bodies[id]).hexdigest() == capture.body.sha256
        assert said.get("archiver-url", head["WARC-Target-URI"]) == capture.url  # type: ignore[index]
        assert moment(head["WARC-Date"]) == capture.started_at  # type: ignore[index]
        assert moment(said["archiver-ended-at"]) == capture.ended_at
        assert said["archiver-origin"] == capture.origin.kind
        assert said.get("archiver-origin-record") == capture.origin.record
        assert head["WARC-IP-Address"] == capture.server_address  # type: ignore[index]
        assert head["WARC-Truncated"] == capture.truncated  # type: ignore[index]
        if capture.status is not None:
            http = each["http"]
            assert http.get_statuscode() == str(capture.status)  # type: ignore[attr-defined]
            sent = [
                ("X-Archive-Orig-Transfer-Encoding" if n == "Transfer-Encoding" else n, v) for n, v in capture.headers
            ]
            assert http.headers == sent  # type: ignore[attr-defined]


def exchange(tmp_path: Path, *captures: Capture) -> bytes:
    with Writer(tmp_path / "one.db", holder="pid 1 on nowhere", now=lambda: START) as writer:
        writer.add_captures(captures)
    return gzip.decompress(written(tmp_path / "one.db", tmp_path / "one.warc.gz").read_bytes())


def test_header_bytes_are_those_that_were_sent(tmp_path: Path) -> None:
    """Latin-1 in a header is nothing that ASCII may stand in for."""
    content = exchange(tmp_path, answer("https://a.example/", b"x", START, headers=(("X-Name", "caf\xe9"),)))
    assert b"\r\nX-Name: caf\xe9\r\n" in content


def test_a_header_cannot_start_another_record(tmp_path: Path) -> None:
    evil = "x\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n"
    content = exchange(
        tmp_path,
        answer(
            f"https://a.example/{evil}", b"x", START, headers=((evil, evil),), request_headers=((evil, evil),),
            protocol=f"HTTP/2{evil}", truncated=evil, proxy=evil, server_address=evil, method=f"GET {evil}",
            origin=Origin("import", evil, evil), status=7,
        ),
    )  # fmt: skip
    kinds = [record.rec_type for record in ArchiveIterator(io.BytesIO(content))]
    assert kinds == ["warcinfo", "response", "request", "metadata"]


def test_a_posted_body_is_in_the_request(tmp_path: Path) -> None:
    content = exchange(
        tmp_path, answer("https://a.example/q?x=1", b"x", START, method="POST", request_body=Body.of(b"q=1"))
    )
    assert b"\r\nPOST /q?x=1 HTTP/1.1\r\nHost: api.example\r\n" in content
    assert b"\r\n\r\nq=1\r\n\r\n" in content


def test_a_recording_is_called_one(warc: tuple[Path, Path]) -> None:
    said = [
        fields(record.raw_stream.read())
        for record in ArchiveIterator(warc[1].open("rb"))
        if record.rec_type == "metadata"
    ]
    replayed = [each for each in said if each["archiver-origin"] == "replay"]
    assert replayed
    assert all(each["archiver-origin-container"] == "old.warc.gz" for each in replayed)
    assert all(each["archiver-origin-record"].startswith("<urn:uuid:") for each in replayed)


def test_a_redirect_names_where_it_came_from(tmp_path: Path) -> None:
    archive = build(tmp_path / "archive.db", 3)
    records = ArchiveIterator(written(archive, tmp_path / "out.warc.gz").open("rb"))
    vias = [said["via"] for record in records if "via" in (said := fields(record.raw_stream.read()))]
    assert vias == ["https://t.example/2"]


def test_large_bodies_are_not_held(tmp_path: Path) -> None:
    """40 MB of media pass through in pieces."""
    import tracemalloc

    content = bytes(40_000_000)
    with Writer(tmp_path / "a.db", holder="pid 1 on nowhere", now=lambda: START) as writer:
        writer.add_captures([answer("https://a.example/film.mp4", content, START)])
    with opened(tmp_path / "a.db") as db, (tmp_path / "out").open("wb") as out:
        tracemalloc.start()
        exports()["warc"].write(StoredContents(db), out)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert top < 8_000_000


def test_it_is_json_ready_about_itself(warc: tuple[Path, Path]) -> None:
    """The warcinfo names the software, and no machine, time or person that another export of the archive would not."""
    first = next(iter(ArchiveIterator(warc[1].open("rb"))))
    said = fields(first.raw_stream.read())
    assert said["software"].startswith("archiver/")
    assert json.dumps(said).find("hostname") == -1
