"""`archive.db`: what goes in comes out, what is acknowledged stays, and what is not ours is refused with a sentence."""

import contextlib
import datetime as dt
import hashlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver import errors
from archiver.model import Body, Capture, Origin
from archiver.store import Writer, check, connect_to_read, facts, schema, work

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def now() -> dt.datetime:
    return NOW


def capture(content: bytes = b"hello", url: str = "https://news.example/a", **changes: object) -> Capture:
    body = Body.of(content)
    return Capture(
        **{  # type: ignore[arg-type]
            "url": url,
            "method": "GET",
            "request_headers": (("accept", "*/*"),),
            "request_body": Body.of(b""),
            "status": 200,
            "protocol": "HTTP/1.1",
            "headers": (("Content-Type", "text/plain"),),
            "body": body,
            "payload": body,
            "started_at": NOW,
            "ended_at": NOW,
            **changes,
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.db"


def written(path: Path, *captures: Capture) -> Path:
    with Writer(path, holder="pid 1 on nowhere", now=now) as writer:
        writer.add_captures(captures)
    return path


def test_a_capture_comes_back_as_it_went_in(path: Path) -> None:
    kept = capture(b"\x00\xff" * 700_000, origin=Origin("replay", "web.warc.gz", "<urn:uuid:1>"))
    written(path, kept)
    with contextlib.closing(connect_to_read(path)) as db:
        back = facts.capture(db, kept.id)
        assert back == kept
        assert back.content == kept.content


def test_equal_bytes_are_kept_once(path: Path) -> None:
    written(path, capture(b"same"), capture(b"same", url="https://other.example/"))
    with contextlib.closing(connect_to_read(path)) as db:
        assert db.execute("SELECT count(*) FROM capture").fetchone()[0] == 2
        assert db.execute("SELECT count(*) FROM blob WHERE size = 4").fetchone()[0] == 1


def test_the_same_capture_is_kept_once(path: Path) -> None:
    with Writer(path, holder="pid 1 on nowhere", now=now) as writer:
        assert writer.add_captures([capture()]) == 1
        assert writer.add_captures([capture()]) == 0


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(0, 3 * schema.CHUNK_SIZE + 5), at=st.integers(0, 3 * schema.CHUNK_SIZE), length=st.integers(0, 99)
)
def test_any_part_of_a_blob_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, size: int, at: int, length: int
) -> None:
    content = (hashlib.sha256(b"seed").digest() * (size // 32 + 1))[:size]
    path = written(tmp_path_factory.mktemp("blob") / "archive.db", capture(content))
    with (
        contextlib.closing(connect_to_read(path)) as db,
        facts.open_blob(db, hashlib.sha256(content).hexdigest()) as blob,
    ):
        blob.seek(at)
        assert blob.read(length) == content[at : at + length]


def test_what_another_thread_reads_is_no_part_of_what_is_being_written(path: Path) -> None:
    """A full disk that is met while reading makes SQLite undo the transaction of the connection that reads."""
    content = b"\x00\xff" * 700_000
    said: list[str] = []
    with Writer(path, holder="pid 1 on nowhere", now=now) as writer, ThreadPoolExecutor(1) as threads:
        writer.add_captures([capture(content)])
        apart = facts.body_apart(path, hashlib.sha256(content).hexdigest(), len(content))
        with writer.transaction() as db:
            work.set_setting(db, "colour", "green")
            db.set_trace_callback(said.append)
            stream = threads.submit(apart.open).result()
            assert stream.read() == content
            stream.close()
            db.set_trace_callback(None)
        assert work.setting(writer.db, "colour") == "green"
        with pytest.raises(errors.ArchiveError, match="no such bytes"):
            facts.body_apart(path, "0" * 64, 1).open()
    assert not said


def test_a_write_that_has_the_transaction_undone_undoes_what_was_written_with_it(path: Path) -> None:
    """As running out of memory does; here by a constraint that is declared so."""

    def undoing(db: sqlite3.Connection) -> None:
        db.execute("INSERT OR ROLLBACK INTO setting (name, value) VALUES ('colour', 'red')")

    def set_colour(db: sqlite3.Connection) -> None:
        work.set_setting(db, "colour", "green")

    with Writer(path, holder="pid 1 on nowhere", now=now) as writer:
        with pytest.raises(sqlite3.IntegrityError):
            writer.together([set_colour, undoing])
        assert work.setting(writer.db, "colour") is None
        assert writer.together([set_colour]) == [None]
        assert work.setting(writer.db, "colour") == "green"


def test_a_body_that_lies_about_its_digest_is_not_stored(path: Path) -> None:
    honest = Body.of(b"what it says")
    liar = Body(honest.sha256, honest.size, Body.of(b"what it is!!").open)
    with (
        Writer(path, holder="pid 1 on nowhere", now=now) as writer,
        pytest.raises(errors.ArchiveError, match="nothing was"),
    ):
        writer.add_captures([capture(body=liar, payload=liar)])
    with contextlib.closing(connect_to_read(path)) as db:
        assert db.execute("SELECT count(*) FROM capture").fetchone()[0] == 0


@pytest.mark.parametrize("table", ["chunk", "blob", "blob_chunk", "capture"])
def test_facts_cannot_be_changed_removed_or_replaced(path: Path, table: str) -> None:
    written(path, capture())
    with contextlib.closing(sqlite3.connect(path)) as db:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        names = ", ".join(columns)
        for statement in (
            f"UPDATE {table} SET {columns[0]} = {columns[0]}",
            f"DELETE FROM {table}",
            f"INSERT OR REPLACE INTO {table} ({names}) SELECT {names} FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


def test_one_writer_at_a_time_and_it_is_named(path: Path) -> None:
    holder = f"pid {os.getpid()} on {os.uname().nodename}"
    with (
        Writer(path, holder=holder, now=now),
        pytest.raises(errors.ArchiveBusy, match=f"pid {os.getpid()}"),
        Writer(path, holder="pid 2 on elsewhere", now=now),
    ):
        pass


def test_a_dead_writer_is_replaced_at_once(path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    first = Writer(path, holder=f"pid {dead.pid} on {os.uname().nodename}", now=now)
    first.__enter__()
    with Writer(path, holder="pid 2 on elsewhere", now=now) as second:
        assert second.add_captures([capture()]) == 1
    first.db.close()


def test_a_container_that_was_killed_takes_its_own_lease_again(path: Path) -> None:
    """It begins again under the same host name, with the same process number: its own."""
    ours = f"pid {os.getpid()} on {os.uname().nodename}"
    program = (
        "import datetime as dt, os, sys; from pathlib import Path; from archiver.store import Writer; "
        f"Writer(Path(sys.argv[1]), holder={ours!r}, now=lambda: dt.datetime.fromisoformat(sys.argv[2])).__enter__(); "
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(path), NOW.isoformat()], check=False)
    with Writer(path, holder=ours, now=now) as writer:
        assert writer.add_captures([capture()]) == 1


def test_a_writer_that_slept_past_its_lease_can_write_nothing(path: Path) -> None:
    clock = [NOW]
    sleeper = Writer(path, holder="pid 1 on elsewhere", now=lambda: clock[0])
    sleeper.__enter__()
    clock[0] += dt.timedelta(minutes=10)
    with (
        Writer(path, holder="pid 2 on elsewhere", now=lambda: clock[0]),
        pytest.raises(errors.ArchiveBusy, match="took over"),
    ):
        sleeper.add_captures([capture()])
    sleeper.db.close()


def test_a_reader_reads_while_a_writer_writes(path: Path) -> None:
    with Writer(path, holder="pid 1 on elsewhere", now=now) as writer:
        writer.add_captures([capture()])
        with contextlib.closing(connect_to_read(path)) as db, writer.transaction() as writing:
            work.set_setting(writing, "a", "b")
            assert db.execute("SELECT count(*) FROM capture").fetchone()[0] == 1


# --- what a path can turn out to be ---------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE somebody_elses (x)")


def newer(path: Path) -> None:
    written(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def cut(path: Path) -> None:
    written(path, capture(os.urandom(100_000)))
    path.write_bytes(path.read_bytes()[:30])


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda path: path.write_bytes(b"GIF89a" * 100), errors.NotAnArchive, "not an SQLite file"),
        (foreign, errors.NotAnArchive, "another program's"),
        (newer, errors.NewerArchive, "later archiver"),
        (cut, errors.NotAnArchive, "damaged"),
        (lambda path: path.mkdir(), errors.NotAnArchive, "is a directory"),
    ],
)
@pytest.mark.parametrize("read", [True, False])
def test_what_is_not_our_archive_is_refused_with_a_sentence(
    path: Path, make: object, error: type[Exception], says: str, read: bool
) -> None:
    make(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error, match=says):
        connect_to_read(path) if read else schema.connect(path, create=True)
    assert (path.read_bytes() if path.is_file() else None) == before, "a refused file is left as it was"


def test_a_missing_archive_is_named(path: Path) -> None:
    with pytest.raises(errors.InputError, match="no archive there"):
        connect_to_read(path)


def test_an_archive_can_be_read_where_nothing_can_be_written(path: Path) -> None:
    written(path, capture())
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with contextlib.closing(connect_to_read(path)) as db:
            assert db.execute("SELECT count(*) FROM capture").fetchone()[0] == 1
    finally:
        path.parent.chmod(0o755)


# --- kill -9 --------------------------------------------------------------------------------------------------------

_KILLED = """
import datetime as dt, os, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from tests.test_store import capture
from archiver.store import Writer
holder = f"pid {{os.getpid()}} on {{os.uname().nodename}}"
with Writer(Path({path!r}), holder=holder, now=lambda: dt.datetime.now(dt.UTC)) as writer:
    for number in range(10_000):
        url = f"https://news.example/{{os.getpid()}}/{{number}}"
        writer.add_captures([capture(os.urandom(50_000 + number), url=url)])
        print(number, flush=True)
"""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_kill_9(path: Path) -> None:
    acknowledged = 0
    script = textwrap.dedent(_KILLED).format(paths=[str(Path(__file__).parents[1])], path=str(path))
    for turn in range(5):
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(3 + 4 * turn):
            child.stdout.readline()
            acknowledged += 1
        child.kill()
        rest = child.stdout.read()
        acknowledged += rest.count("\n")
        child.wait()
    with contextlib.closing(connect_to_read(path)) as db:
        assert db.execute("SELECT count(*) FROM capture").fetchone()[0] >= acknowledged
    with contextlib.closing(schema.connect(path)) as db:
        assert list(check.damages(db)) == []


# --- verify ---------------------------------------------------------------------------------------------------------


def test_a_sound_archive_verifies(path: Path) -> None:
    written(path, capture(b"one"), capture(b"two" * 500_000, url="https://b.example/"))
    with contextlib.closing(connect_to_read(path)) as db:
        assert list(check.damages(db)) == []


def test_a_flipped_byte_of_a_blob_is_named(path: Path) -> None:
    content = b"\x5a" * 300_000
    written(path, capture(content))
    bytes_of_file = bytearray(path.read_bytes())
    at = bytes_of_file.index(content[:4000]) + 2000
    bytes_of_file[at] ^= 1
    path.write_bytes(bytes_of_file)
    with contextlib.closing(connect_to_read(path)) as db:
        found = [str(damage) for damage in check.damages(db)]
    assert any("its bytes were changed" in each for each in found), found


def test_a_changed_trigger_is_named(path: Path) -> None:
    written(path, capture())
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER capture_no_delete")
        db.execute("DELETE FROM capture")
        db.commit()
    with contextlib.closing(connect_to_read(path)) as db:
        assert "schema trigger capture_no_delete: is missing" in [str(each) for each in check.damages(db)]


def test_a_removed_capture_is_named(path: Path) -> None:
    written(path, *(capture(url=f"https://news.example/{number}") for number in range(3)))
    with contextlib.closing(sqlite3.connect(path)) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'capture_no_delete'").fetchone()
        db.execute("DROP TRIGGER capture_no_delete")
        db.execute("DELETE FROM capture WHERE seq = 2")
        db.execute(sql)
        db.commit()
    with contextlib.closing(connect_to_read(path)) as db:
        assert any("was removed" in str(each) for each in check.damages(db))
