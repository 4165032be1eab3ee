"""Every shape in which people have articles, read as a stream."""

# ruff: noqa: E501 - samples, as they are written
from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest

from archiver.articles import read
from archiver.articles.command import main
from archiver.errors import InputError

PAGE = b'<html><p><a href="https://twitter.com/harbour/status/1821000000000000000">they said</a></p></html>'
URL = "https://news.example/story"


def documents(*paths, **options):
    return [d for d in read([str(p) for p in paths], **options) if not isinstance(d, InputError)]


def errors(*paths, **options):
    return [str(d) for d in read([str(p) for p in paths], **options) if isinstance(d, InputError)]


def warc(path, count=3, packed=True):
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=packed)
        for number in range(count):
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(f"{URL}/{number}", "response", payload=io.BytesIO(PAGE), http_headers=headers)
            )
            image = StatusAndHeaders("200 OK", [("Content-Type", "image/png")], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(f"{URL}/i", "response", payload=io.BytesIO(b"\x89PNG"), http_headers=image)
            )
    return path


def test_a_file_a_folder_and_a_glob(tmp_path):
    (tmp_path / "a.html").write_bytes(PAGE)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.txt").write_bytes(b"text")
    (tmp_path / "deep" / "ignored.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.html").write_bytes(PAGE)
    assert [d.location for d in documents(tmp_path / "a.html")] == [str(tmp_path / "a.html")]
    assert [d.location for d in documents(tmp_path)] == [str(tmp_path / "a.html"), str(tmp_path / "deep" / "b.txt")]
    assert [d.location for d in documents(tmp_path / "*.html")] == [str(tmp_path / "a.html")]


def test_gzip(tmp_path):
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(PAGE))
    assert [d.content for d in documents(tmp_path / "a.html.gz")] == [PAGE]


@pytest.mark.parametrize("packed", [True, False])
def test_every_textual_response_of_a_warc_is_an_article(tmp_path, packed):
    found = documents(warc(tmp_path / ("a.warc.gz" if packed else "a.warc"), packed=packed))
    assert [(d.url, d.content, d.media_type, d.charset) for d in found] == [
        (f"{URL}/{n}", PAGE, "text/html", "utf-8") for n in range(3)
    ]
    assert len({d.location for d in found}) == 3 and "#urn:uuid:" in found[0].location


def test_wacz(tmp_path):
    warc(tmp_path / "data.warc.gz")
    with zipfile.ZipFile(tmp_path / "a.wacz", "w") as zipped:
        zipped.write(tmp_path / "data.warc.gz", "archive/data.warc.gz")
    assert len(documents(tmp_path / "a.wacz")) == 3


def test_a_truncated_warc_says_so_and_keeps_what_it_had(tmp_path):
    path = warc(tmp_path / "a.warc.gz")
    path.write_bytes(path.read_bytes()[:-40])
    assert documents(path)


FEEDS = {
    "feed.rss": '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    "<item><link>{url}</link><guid>1</guid><pubDate>Wed, 07 Aug 2024 10:00:00 GMT</pubDate><description>short</description>"
    "<content:encoded><![CDATA[{page}]]></content:encoded></item></channel></rss>",
    "feed.atom": '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><link href="{url}"/>'
    "<published>2024-08-07T10:00:00Z</published><content type=\"html\"><![CDATA[{page}]]></content></entry></feed>",
    "feed.json": '{{"version":"https://jsonfeed.org/version/1.1","items":[{{"id":"1","url":"{url}",'
    '"date_published":"2024-08-07T10:00:00Z","content_html":{quoted}}}]}}',
}  # fmt: skip


@pytest.mark.parametrize("name", FEEDS)
def test_the_items_of_a_feed_are_articles(tmp_path, name):
    page = '<p>Rain, says <a href="https://x.com/harbour/status/1821000000000000000">the port</a>.</p>'
    (tmp_path / name).write_text(FEEDS[name].format(url=URL, page=page, quoted=json.dumps(page)))
    (found,) = documents(tmp_path / name)
    assert (found.url, found.content.decode()) == (URL, page)
    assert found.published_at is not None and found.published_at.isoformat() == "2024-08-07T10:00:00+00:00"


def test_json_lines_by_well_known_and_by_chosen_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"url": f"{URL}/{n}", "text": f"text {n}", "mine": f"mine {n}"}) + "\n" for n in (1, 2))
    )
    assert [(d.location, d.url, d.content) for d in documents(path)] == [
        (f"{path}#L1", f"{URL}/1", b"text 1"),
        (f"{path}#L2", f"{URL}/2", b"text 2"),
    ]
    assert [d.content for d in documents(path, text_column="mine")] == [b"mine 1", b"mine 2"]


CAFE = "Le café « fermé », 7,2 m – https://twitter.com/harbour/status/1821000000000000000"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_as_spreadsheets_write_them(tmp_path, encoding, delimiter):
    path = tmp_path / "articles.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["Référence", "text", "url"], ["7;2", CAFE, URL], ["é", CAFE * 2000, URL]])
    found = documents(path)
    assert [d.content.decode() for d in found] == [CAFE, CAFE * 2000]
    assert [d.url for d in found] == [URL, URL]


def test_the_item_that_a_cut_feed_ends_in_is_read(tmp_path):
    item = "<item><link>https://a.example/{}</link><description>&lt;p>{}&lt;/p> and so on</description></item>"
    whole = '<?xml version="1.0"?><rss version="2.0"><channel>' + item.format(
        1, "https://twitter.com/harbour/status/20"
    )
    cut = whole + item.format(2, "https://twitter.com/harbour/status/1821000000000000000")[:-35]
    (tmp_path / "a.xml").write_text(cut)
    out = io.BytesIO()
    assert main(["--json", str(tmp_path / "a.xml")], stdout=out) == 0
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == ["20", "1821000000000000000"]


@pytest.mark.parametrize("name", ["a.warc", "a.wacz", "a.warc.gz"])
def test_what_is_only_called_a_web_archive_is_refused(tmp_path, name):
    content = b"<p>no archive</p>"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (error,) = errors(tmp_path / name)
    assert name in error and "is no WA" in error


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_csv(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if suffix == "tsv" else ",")
        writer.writerows([["link", "body"], [URL, 'two\nlines, and "quotes"']])
    (found,) = documents(path)
    assert (found.url, found.content) == (URL, b'two\nlines, and "quotes"')


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra: archiver[parquet]")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"url": [URL] * 100, "html": ["text"] * 100}), path)
    assert len(documents(path)) == 100 and documents(path)[0].url == URL


def test_standard_input_is_whatever_it_is(tmp_path):
    assert [d.content for d in read(["-"], stdin=io.BytesIO(PAGE))] == [PAGE]
    assert [d.content for d in read(["-"], stdin=io.BytesIO(gzip.compress(PAGE)))] == [PAGE]
    assert len(list(read(["-"], stdin=warc(tmp_path / "a.warc.gz").open("rb")))) == 3


UNREADABLE = {
    "missing.html": (None, "no such file"),
    "empty.html": (b"", "is empty"),
    "picture.html": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "is binary (a PNG picture)"),
    "random.txt": (bytes(range(256)) * 40, "is binary"),
    "paper.pdf": (b"%PDF-1.7\n", "is binary (a PDF)"),
    "broken.html.gz": (gzip.compress(PAGE)[:-12], "gzip is damaged"),
    "broken.wacz": (b"PK\x03\x04" + b"x" * 50, "damaged"),
    "columns.csv": (b"a,b\n1,2\n", "which column holds the text? Say so by --text-column; it has a, b"),
    "lines.jsonl": (b"{nonsense\n", "is not JSON"),
    "broken.parquet": (b"PAR1nothing", "Parquet"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path, name):
    content, says = UNREADABLE[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.html").write_bytes(PAGE)
    (problem,) = errors(tmp_path / name, tmp_path / "good.html")
    assert name in problem and says in problem
    assert [d.content for d in documents(tmp_path / name, tmp_path / "good.html")][-1] == PAGE


def test_two_hundred_megabytes_are_too_large(tmp_path):
    path = tmp_path / "large.html"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
        file.seek(0)
        file.write(b"<p>" + b"x" * 5000)
    (problem,) = errors(path)
    assert "too large" in problem and "32 MiB" in problem


def test_a_folder_without_articles(tmp_path):
    assert "holds no articles" in errors(tmp_path)[0]


def test_a_gzip_bomb_costs_no_memory(tmp_path):
    (tmp_path / "bomb.html.gz").write_bytes(gzip.compress(b"x" * 200_000_000))
    assert "too large" in errors(tmp_path / "bomb.html.gz")[0]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command(tmp_path, jobs, capsys):
    for number in range(3):
        (tmp_path / f"{number}.html").write_bytes(PAGE)
    (tmp_path / "none.html").write_bytes(b"<p>nothing</p>")
    out = io.BytesIO()
    assert main(["--json", "--jobs", jobs, str(tmp_path)], stdout=out) == 0
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["article"] for row in rows] == [str(tmp_path / f"{n}.html") for n in range(3)]
    assert main(["--json", str(tmp_path / "none.html")], stdout=io.BytesIO()) == 1
    out = io.BytesIO()
    assert main([str(tmp_path / "missing.html"), str(tmp_path / "0.html")], stdout=out) == 2
    assert b"link twitter" in out.getvalue() and "no such file" in capsys.readouterr().err


def test_an_article_cannot_write_to_the_terminal(tmp_path):
    (tmp_path / "a.txt").write_bytes(
        "\x1b[31m\n— \x1b[2J (@harbour) August 7, 2024 https://x.com/i/status/1821000000000000000".encode()
    )
    out = io.BytesIO()
    main([str(tmp_path / "a.txt")], stdout=out)
    assert b"\x1b" not in out.getvalue()


def test_starting_loads_neither_rich_nor_a_parser():
    code = "import sys, archiver.articles; bad = {'rich', 'bs4', 'selectolax', 'hyperscan', 'warcio', 'feedparser', 'pyarrow', 'babel'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from Linux")
def test_a_large_warc_is_read_in_constant_memory(tmp_path):
    """Peak memory for many records is that of a few."""
    path = warc(tmp_path / "a.warc.gz", count=4000)
    code = (
        "import sys; from archiver.articles import read; n = sum(1 for _ in read([sys.argv[1]]));"
        "print(n, next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    count, peak = map(int, done.stdout.split())
    assert count == 4000 and peak < 200 * 1024
