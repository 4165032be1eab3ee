"""What every export promises, whichever it is: a new format is tested by existing."""

from __future__ import annotations

import gzip
import html.parser
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver import cli
from archiver.exports import PROVES, PROVES_NOT, Export, exports
from archiver.store.contents import Selection, StoredContents
from tests.archives import HOSTILE, build, opened

every = pytest.mark.parametrize("export", exports().values(), ids=exports().keys())


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("plain") / "archive.db", 12)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("hostile") / "archive.db", 6 * len(HOSTILE), hostile=True)


def exported(path: Path, export: Export, selection: Selection | None = None) -> bytes:
    out = io.BytesIO()
    with opened(path) as db:
        export.write(StoredContents(db, selection), out)
    return out.getvalue()


class Pipe(io.RawIOBase):
    """As standard output in a shell's pipe: it cannot seek, tell or be read."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.parts.append(bytes(data))  # type: ignore[call-overload]  # any buffer
        return len(self.parts[-1])


def parts(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file in an export, whatever it is wrapped in."""
    if content[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            assert packed.testzip() is None
            for member in packed.infolist():
                yield from parts(member.filename, packed.read(member))
    elif content[:2] == b"\x1f\x8b":
        yield from parts(name.removesuffix(".gz"), gzip.decompress(content))
    else:
        yield name, content


@every
def test_the_same_archive_gives_the_same_bytes(export: Export, plain: Path, tmp_path: Path) -> None:
    """Also from another connection, built at another time in another place, and into a pipe."""
    content = exported(plain, export)
    assert content == exported(build(tmp_path / "again.db", 12), export)
    pipe = Pipe()
    with opened(plain) as db:
        export.write(StoredContents(db), pipe)  # type: ignore[arg-type]  # a raw stream is all an export may need
    assert b"".join(pipe.parts) == content


@every
def test_it_says_what_it_proves_and_what_it_does_not(export: Export, plain: Path) -> None:
    text = b"".join(content for _, content in parts(export.name, exported(plain, export))).decode("utf-8", "replace")
    assert PROVES in text
    assert PROVES_NOT in text


@every
def test_an_empty_archive_exports(export: Export, tmp_path: Path) -> None:
    content = exported(build(tmp_path / "empty.db", 0), export)
    assert content
    for name, part in parts("export" + export.suffix, content):
        if name.endswith("json"):
            json.loads(part)


@every
def test_only_the_chosen_post_is_told_of(export: Export, plain: Path) -> None:
    chosen = Selection(posts=(("twitter", "1007"),))
    text = b"".join(content for _, content in parts(export.name, exported(plain, export, chosen)))
    assert b"1007" in text
    assert b"1002" not in text


@every
def test_hostile_content_never_breaks_out(export: Export, hostile: Path) -> None:
    content = exported(hostile, export)
    found = list(parts("export" + export.suffix, content))
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    for name, part in found:
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*", name, re.ASCII), name
        if name.endswith(".html"):
            Harmless().check(part.decode())
        elif name.endswith(("json", ".jsonld")):
            json.loads(part)
        elif name.endswith(".jsonl"):
            for line in part.splitlines():
                json.loads(line)
        if not name.endswith((".warc", ".cdx")):
            assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", part), f"{name}: a control character"


@every
@pytest.mark.parametrize("query", ["unknown-post", "https://x.com/i/status/99"])
def test_a_post_the_archive_lacks_is_refused_before_anything_is_written(
    export: Export, query: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["export", export.name, "--archive", str(plain), "--out", str(out), "--post", query]) == 2
    assert query in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
@every
def test_memory_does_not_grow_with_the_archive(export: Export, archives: tuple[Path, Path]) -> None:
    """Peak resident size of a whole process, so that what SQLite and zlib hold is counted as well."""
    small, large = (peak(export, path) for path in archives)
    # 20 times the posts; the larger's dossiers alone are about 10 MB as JSON.
    assert large - small < 4_000_000, f"{small / 1e6:.1f} MB, then {large / 1e6:.1f} MB"


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sizes")
    return build(folder / "small.db", 100), build(folder / "large.db", 2000)


_PEAK = """
import sys
from pathlib import Path
from archiver.exports import exports
from archiver.store.contents import StoredContents
from tests.archives import opened, peak_resident
class Nowhere:
    def write(self, data): return len(data)
    def flush(self): pass
with opened(Path(sys.argv[2])) as db:
    exports()[sys.argv[1]].write(StoredContents(db), Nowhere())
print(peak_resident())
"""


def peak(export: Export, path: Path) -> int:
    command = [sys.executable, "-c", _PEAK, export.name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return int(done.stdout)


class Harmless(html.parser.HTMLParser):
    """A page that runs nothing, loads nothing and sends nowhere."""

    TAGS = frozenset(
        """html head meta title style body main header footer section article figure figcaption blockquote h1 h2 h3 p
        a bdi time dl dt dd ul ol li table caption thead tbody tr th td img video audio code pre strong em small br hr
        span div cite ins del details summary q""".split()  # noqa: SIM905 - a list of words reads better as words
    )

    def check(self, text: str) -> None:
        self.policy = None
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert self.policy is not None, "no content security policy"
        assert "default-src 'none'" in self.policy
        assert "script" not in self.policy

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.TAGS, tag
        values = dict(attrs)
        assert len(values) == len(attrs), "an attribute given twice"
        for name, value in attrs:
            assert re.fullmatch(r"[a-z][a-z-]*", name), name
            assert not name.startswith("on"), name
            if name in ("src", "poster"):
                assert re.match(r"data:(image/(jpeg|png|gif|webp|avif)|video/mp4|video/webm|audio/);?", value or "")
            if name in ("href", "cite"):
                assert re.match(r"(https?://|urn:|#|file:///)", value or ""), value
                self.links.append(value or "")
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = values["content"]

    handle_startendtag = handle_starttag


def test_a_second_file_of_the_same_name_is_replaced_whole(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("what was there")
    assert cli.main(["export", "jsonl", "--archive", str(plain), "--out", str(out)]) == 0
    assert out.read_bytes() == exported(plain, exports()["jsonl"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.sha256"]


# --- selection ------------------------------------------------------------------------------------------------------


def chosen(path: Path, **criteria: object) -> tuple[list[str], int, int]:
    """(ids of the posts, how many embeds, how many captures)."""
    with opened(path) as db:
        contents = StoredContents(db, Selection(**criteria))  # type: ignore[arg-type]  # by name
        about = contents.about()
        posts = [post["id"] for post in contents.posts()]
        assert about["posts"] == len(posts)
        assert about["embeds"] == len(list(contents.embeds()))
        assert about["captures"] == len(list(contents.captures()))
        return posts, about["embeds"], about["captures"]


def test_an_article_selects_what_it_shows(plain: Path) -> None:
    posts, embeds, _ = chosen(plain, articles=("/articles/5.html",))
    assert posts == ["1003", "1004", "1005"]
    assert embeds == 4, "the one that led to no post as well"


def test_a_post_brings_its_redirects_and_articles(plain: Path) -> None:
    _, _, captures = chosen(plain, posts=(("twitter", "1002"),))
    assert captures == 3, "the hop, the answer, the article"


def test_days_select_posts(plain: Path) -> None:
    import datetime as dt

    day = dt.date(2024, 8, 7)
    assert len(chosen(plain, since=day, until=day)[0]) == 12
    assert chosen(plain, since=day + dt.timedelta(days=1))[:2] == ([], 0)
    assert chosen(plain, until=day - dt.timedelta(days=1))[:2] == ([], 0)


def test_a_verdict_selects_embeds_and_their_posts(plain: Path) -> None:
    posts, embeds, _ = chosen(plain, verdicts=("contradicted",))
    assert posts == ["1009"], "the only one whose article states another day, and that was found"
    assert embeds == 1


def test_criteria_are_met_together(plain: Path) -> None:
    assert chosen(plain, verdicts=("contradicted",), articles=("/articles/5.html",))[0] == []
    assert chosen(plain, platforms=("bluesky",))[0] == []


def test_everything_is_the_union_of_its_posts(plain: Path) -> None:
    assert chosen(plain) == chosen(plain, platforms=("twitter",))


def test_an_export_is_one_state_of_an_archive_that_is_written_to(tmp_path: Path) -> None:
    import datetime as dt

    from archiver.store import Writer
    from tests.archives import START, answer

    path = build(tmp_path / "archive.db", 6)
    with (
        Writer(path, holder="pid 2 on nowhere", now=lambda: START + dt.timedelta(days=1)) as writer,
        opened(path) as db,
    ):
        contents = StoredContents(db)
        before = contents.about()
        writer.add_captures([answer("https://new.example/", b"new", START)])
        assert contents.about() == before


def test_options_select_on_the_command_line(plain: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    options = ["--article", "/articles/5.html", "--since", "2024-08-07", "--until", "2024-08-07"]
    options += ["--platform", "twitter", "--post", "twitter:1003"]
    assert cli.main(["export", "jsonl", "--archive", str(plain), *options]) == 0
    about, *posts = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert [post["id"] for post in posts] == ["1003"]
    assert about["selection"]["posts"] == ["twitter:1003"]


@pytest.mark.parametrize(
    "options", [["--article", "/nowhere.html"], ["--platform", "friendster"], ["--sign", "/nowhere.pem"]]
)
def test_a_criterion_that_names_nothing_is_refused(
    options: list[str], plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "jsonl", "--archive", str(plain), *options]) == 2
    error = capsys.readouterr().err
    assert options[1] in error
    assert "Traceback" not in error


def test_every_suffix_is_its_own() -> None:
    suffixes = [export.suffix for export in exports().values()]
    assert len(set(suffixes)) == len(suffixes)
