"""PROV, annotations, TimeMaps, HTML, RO-Crate and bags, each read back by software that others wrote."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import bagit
import pytest
from prov.model import ProvDocument
from pyld import jsonld
from pywb.utils.memento import MementoUtils
from rocrate.rocrate import ROCrate

from archiver.exports import exports, signing, wacz
from archiver.ledger import checkpoint, proof
from archiver.ledger.checkpoint import Checkpoint
from archiver.ledger.keys import Keys, parse_vkey
from archiver.model import Author, Media, Post, PostRef, Rank, Reason, State
from archiver.store import Writer, opinions
from archiver.store.contents import Selection, StoredContents
from tests.archives import HOSTILE, START, answer, build, opened
from tests.test_exports_contract import Harmless
from tests.test_exports_wacz import KEY, PUBLIC


def exported(path: Path, name: str, selection: Selection | None = None, key: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with opened(path) as db:
        exports()[name].write(StoredContents(db, selection, signing.signer(key) if key else None), out)
    return out.getvalue()


def one(id: str) -> Selection:
    return Selection(posts=(("twitter", id),))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "hostile"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    posts = 6 * len(HOSTILE) if request.param else 12
    return build(tmp_path_factory.mktemp("formats") / "archive.db", posts, hostile=request.param)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("plain") / "archive.db", 12)


# --- PROV -----------------------------------------------------------------------------------------------------------


def test_prov_reads_it_and_gives_an_equal_document(archive: Path) -> None:
    content = exported(archive, "prov-json")
    document = ProvDocument.deserialize(content=content.decode())
    again = ProvDocument.deserialize(content=document.serialize())
    assert document == again
    written = json.loads(content)
    kinds = {kind for bundle in written["bundle"].values() for kind in bundle}
    assert kinds >= {"entity", "activity", "agent", "wasGeneratedBy", "wasDerivedFrom", "specializationOf"}
    for bundle in document.bundles:
        told = written["bundle"][str(bundle.identifier)]
        assert len(bundle.records) == sum(len(members) for members in told.values()), "nothing is dropped on the way"


def test_prov_writes_the_same_file_again(plain: Path) -> None:
    """Not only equal to itself: what prov writes has the same statements as what we wrote."""
    content = exported(plain, "prov-json")
    back = json.loads(ProvDocument.deserialize(content=content.decode()).serialize())
    for bundle in back["bundle"].values():
        bundle.pop("prefix", None)
    assert normal(json.loads(content)["bundle"]) == normal(back["bundle"])


def normal(value: Any) -> Any:
    """Relations have no names of their own, a time and a typed name have several spellings."""
    if isinstance(value, dict):
        if set(value) == {"$", "type"}:
            return ("typed", normal(value["$"]), {"xsd:QName": "prov:QUALIFIED_NAME"}.get(value["type"], value["type"]))
        named = {name: normal(each) for name, each in value.items() if not name.startswith("_:")}
        nameless = sorted(repr(sorted(normal(each).items())) for name, each in value.items() if name.startswith("_:"))
        return {**named, **({"_:": nameless} if nameless else {})}
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", value):
        return re.sub(r"(\.0+)?(Z|\+00:00)$", "Z", value)
    return value


def test_a_snapshot_leads_back_to_the_bytes_that_show_it(plain: Path) -> None:
    document = ProvDocument.deserialize(content=exported(plain, "prov-json", one("1002")).decode())
    (bundle,) = document.bundles
    told = bundle.get_provn()
    assert "specializationOf(snapshot:" in told
    assert "wasDerivedFrom(snapshot:" in told
    assert "prov:type='prov:Quotation'" in told
    assert re.search(r"wasDerivedFrom\(capture:\w+, capture:\w+", told), "the redirect"
    assert re.search(r"wasDerivedFrom\(article:\w+, capture:\w+", told)


# --- annotations ----------------------------------------------------------------------------------------------------


def offline(url: str, options: object) -> dict[str, Any]:
    assert url == "http://www.w3.org/ns/anno.jsonld", f"a context that is not the standard's: {url}"
    document = json.loads((Path(__file__).parent / "contexts" / "anno.jsonld").read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def test_a_json_ld_processor_expands_the_annotations_and_loses_nothing(archive: Path) -> None:
    told = json.loads(exported(archive, "annotations"))
    expanded = jsonld.expand(told, {"documentLoader": offline})
    compacted = jsonld.compact(expanded, told["@context"], {"documentLoader": offline})
    assert single(compacted) == single(told)
    (page,) = expanded
    items = page["http://www.w3.org/ns/activitystreams#items"]
    with opened(archive) as db:
        assert len(items[0]["@list"]) == StoredContents(db).about()["embeds"]


def single(value: Any) -> Any:
    """A list of one is its only member: JSON-LD does not tell them apart."""
    if isinstance(value, list):
        values = [single(each) for each in value]
        return values[0] if len(values) == 1 else values
    return {name: single(each) for name, each in value.items()} if isinstance(value, dict) else value


def test_an_annotation_points_to_the_place_and_the_post(plain: Path) -> None:
    (found,) = json.loads(exported(plain, "annotations", one("1000")))["items"]
    assert found["motivation"] == "identifying"
    assert found["body"][0]["source"] == "https://x.com/i/status/1000"
    target = found["target"]
    assert target["source"] == "file:///articles/2.html"
    assert [each["type"] for each in target["selector"]] == ["TextQuoteSelector", "TextPositionSelector"]
    assert target["selector"][0]["prefix"] == "before "
    assert found["archiver:verdict"] == "corroborated"


# --- TimeMap --------------------------------------------------------------------------------------------------------


def test_a_memento_client_reads_the_timemap(plain: Path) -> None:
    links = MementoUtils.parse_links(exported(plain, "timemap", one("1003")).decode().strip())
    assert links["original"]["url"] == "https://x.com/i/status/1003"
    assert links["timemap"]["type"] == "application/link-format"
    (memento,) = links["mementos"]
    assert memento["url"] == "https://web.example/web/20240807100000id_/https://api.example/post/1003"
    assert memento["rel"] == "first last memento"
    assert memento["datetime"] == "Wed, 07 Aug 2024 10:03:00 GMT"
    assert links["timemap"]["from"] == links["timemap"]["until"] == memento["datetime"]


#: RFC 6690 2: a link, its parameters, each a token or a quoted string, none twice but where the RFC allows it.
_LINK = re.compile(
    r"<[!#-;=?-\[\]_a-z~]+>"
    r'(?:; (?:rel|type|datetime|title|from|until|anchor)="[ !#-\[\]-~]*")+'
)


def test_the_timemap_of_many_posts_keeps_to_the_grammar(archive: Path) -> None:
    content = exported(archive, "timemap").decode("ascii")
    links = content.rstrip("\n").split(",\n")
    assert all(_LINK.fullmatch(link) for link in links), [link for link in links if not _LINK.fullmatch(link)][:3]
    with opened(archive) as db:
        posts = StoredContents(db).about()["posts"]
    assert sum('rel="original"' in link for link in links) == posts
    assert all("anchor=" in link for link in links[1:]), "each says which post it is about"


# --- HTML -----------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """What a browser would show: text, and what stands in `src`."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.words, self.sources, self.links = "", [], []  # type: tuple[str, list[str], list[dict[str, str | None]]]
        self.feed(content.decode())

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.sources += [values["src"] or ""] if "src" in values else []
        self.links += [values] if tag == "a" else []


def test_an_embed_shows_the_post_and_its_picture(plain: Path) -> None:
    page = Page(exported(plain, "embed", one("1000")))
    assert "The harbour crane number 0 fell at dawn." in page.words
    assert "@reporter0" in page.words
    (source,) = page.sources
    with opened(plain) as db:
        (media,) = StoredContents(db).post("twitter", "1000")["media"]
    picture = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"), validate=True)
    assert hashlib.sha256(picture).hexdigest() == media["sha256"]


def test_an_embed_of_a_post_that_was_never_seen_says_so(plain: Path) -> None:
    page = Page(exported(plain, "embed", one("1004")))
    assert "no copy is kept (gone, deleted)" in page.words


def test_hostile_words_are_shown_and_do_nothing(tmp_path: Path) -> None:
    archive = build(tmp_path / "a.db", 6 * len(HOSTILE), hostile=True)
    for name in ("embed", "report", "robust-links"):
        content = exported(archive, name)
        Harmless().check(content.decode())
        assert b"<script" not in content.lower()
        if name != "robust-links":
            assert "<script>alert(1)</script>" in Page(content).words, "shown as it was written"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("text/html", b"<script>"),
        (None, b"x"),
        ("image/jpeg", bytes(9_000_000)),
    ],
)
def test_media_that_could_act_or_are_too_large_are_named_and_not_shown(
    kind: str | None, content: bytes, tmp_path: Path
) -> None:
    """Whatever the server said: only what its bytes were found to be counts, and only what cannot run is shown."""
    media = answer("https://m.example/x", content, START, headers=(("Content-Type", "image/png"),))
    page = answer("https://api.example/1", b"{}", START)
    ref = PostRef("twitter", "1")
    with Writer(tmp_path / "a.db", holder="pid 1 on nowhere", now=lambda: START) as writer:
        writer.add_captures([page, media])
        with writer.transaction() as db:
            opinions.add_post(db, ref, "javascript:alert(1)", START)
            post = Post(ref, Author("a"), "words", created_at=START, media=(Media("photo", "k", (media.url,)),))
            opinions.add_snapshot(db, post, "api", Rank.FIRST_HAND, page, START)
            opinions.set_media(db, ref, "k", reason=Reason.OK, capture=media, type=kind)
            opinions.settle_post(db, ref, State.ARCHIVED, Reason.OK, None)
    for name in ("embed", "report"):
        shown = exported(tmp_path / "a.db", name)
        Harmless().check(shown.decode())
        assert not Page(shown).sources
        assert hashlib.sha256(content).hexdigest() in Page(shown).words


def test_a_robust_link_names_original_date_and_copy(plain: Path) -> None:
    (link,) = [each for each in Page(exported(plain, "robust-links", one("1003"))).links if "data-originalurl" in each]
    assert link["href"] == link["data-originalurl"] == "https://x.com/i/status/1003"
    assert link["data-versiondate"] == "2024-08-07"
    assert link["data-versionurl"] == "https://web.example/web/20240807100000/https://api.example/post/1003"


def test_the_report_says_what_was_seen_how_and_with_which_digest(plain: Path) -> None:
    words = Page(exported(plain, "report", Selection(articles=("/articles/5.html",)))).words
    for said in (
        "A copy of the post and of all its media is kept.",
        "The post is gone: two looks at different times say so",
        "from a recording (old.warc.gz, record <urn:uuid:12345678-1234-1234-1234-123456789abc>)",
        "certificate SHA-256 " + "ab" * 32,
        "cut short (length)",
        "Field by field",
        "Shown, and not identified",
        "score 0.4: near",
    ):
        assert said in words, said
    with opened(plain) as db:
        for capture in StoredContents(db).post("twitter", "1005")["captures"]:
            assert capture["sha256"] in words
            assert capture["id"] in words


def test_the_report_shows_contradictions(plain: Path) -> None:
    words = Page(exported(plain, "report", one("1009"))).words
    assert "contradicted" in words
    assert "2024-09-16" in words


# --- packages -------------------------------------------------------------------------------------------------------


def test_rocrate_reads_the_crate(archive: Path, tmp_path: Path) -> None:
    content = exported(archive, "rocrate")
    (tmp_path / "a.crate.zip").write_bytes(content)
    crate = ROCrate(tmp_path / "a.crate.zip")
    assert str(crate.root_dataset["datePublished"]).startswith("2024-08-")
    assert "No licence" in crate.root_dataset["license"]["name"]
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {part.id: part for part in crate.root_dataset["hasPart"]}
        assert set(packed.namelist()) == {*parts, "ro-crate-metadata.json"}
        for name, part in parts.items():
            assert part["sha256"] == hashlib.sha256(packed.read(name)).hexdigest()
            assert part["contentSize"] == str(len(packed.read(name)))


def unpacked(archive: Path, folder: Path, key: bytes | None = KEY) -> Path:
    (folder / "deposit.bag.zip").write_bytes(exported(archive, "bag", key=key))
    with zipfile.ZipFile(folder / "deposit.bag.zip") as packed:
        packed.extractall(folder)
    return folder / "archive-bag"


def test_bagit_validates_the_bag_and_finds_a_change(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)
    assert bagit.Bag(str(folder)).is_valid()
    assert wacz.check(folder / "data" / "archive.wacz", key=PUBLIC) == []
    report = folder / "data" / "report.html"
    report.write_bytes(report.read_bytes().replace(b"Report", b"Repart", 1))
    assert not bagit.Bag(str(folder)).is_valid()


@pytest.mark.parametrize("key", [KEY, None], ids=["signed", "unsigned"])
def test_the_readme_in_the_bag_does_as_it_says(key: bytes | None, plain: Path, tmp_path: Path) -> None:
    """Every command it tells a reader to type, in order, in a shell that stops at the first that fails."""
    folder = unpacked(plain, tmp_path, key)
    readme = (folder / "README.txt").read_text()
    shutil.rmtree(folder)
    commands = re.findall(r"^ +\$ (.+)$", readme, re.MULTILINE)
    assert len(commands) == (8 if key else 6)
    done = subprocess.run(["sh", "-e"], input="\n".join(commands), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 2 * (4 + 4)
    if key:
        assert "Verified OK" in done.stdout
        assert hashlib.sha256(PUBLIC).hexdigest() in done.stdout
    else:
        assert "this bag is not signed" in readme


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """An archive whose log is signed, and that was written to since."""
    path = build(tmp_path / "archive.db", 12)
    keys = Keys.create(tmp_path / "log.key", "example.org/archive")
    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer:

        def sign(size: int, root: bytes) -> tuple[bytes, str]:
            return checkpoint.sign(Checkpoint(keys.public.name, size, root), keys), keys.public.vkey

        assert writer.checkpoint(sign, None)
        writer.add_captures([answer("https://later.example/", b"later", START)])
    return path


def test_the_bag_proves_that_its_captures_are_in_the_log(logged: Path, tmp_path: Path) -> None:
    folder = unpacked(logged, tmp_path)
    assert bagit.Bag(str(folder)).is_valid()
    key = parse_vkey((folder / "data/ledger/key.vkey.txt").read_text().strip())
    documents = re.split(r"^== (\w+) ==\n", (folder / "data/ledger/proofs.txt").read_text(), flags=re.MULTILINE)[1:]
    with opened(logged) as db:
        captures = [held.id for held in StoredContents(db).captures() if "later.example" not in held.capture.url]
    assert documents[0::2] == captures, "all but the one made since"
    for id, document in zip(documents[0::2], documents[1::2], strict=True):
        shown = proof.parse(document)
        shown.verify([key])
        assert hashlib.sha256(shown.record).hexdigest() == id


def test_the_readme_of_a_bag_with_proofs_does_as_it_says(logged: Path, tmp_path: Path) -> None:
    folder = unpacked(logged, tmp_path)
    readme = (folder / "README.txt").read_text()
    shutil.rmtree(folder)
    commands = re.findall(r"^ +\$ (.+)$", readme, re.MULTILINE)
    done = subprocess.run(["sh", "-e"], input="\n".join(commands), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "The proof holds." in done.stdout
    assert done.stdout.count(": OK") == 2 * (9 + 4)


def test_a_bag_of_one_post_proves_only_its_captures(logged: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(exported(logged, "bag", one("1002")))) as packed:
        assert packed.read("archive-bag/data/ledger/proofs.txt").count(b"\n== ") == 3 - 1


def test_a_changed_bag_fails_the_commands_of_its_readme(plain: Path, tmp_path: Path) -> None:
    folder = unpacked(plain, tmp_path)
    posts = folder / "data" / "posts.jsonl"
    posts.write_bytes(posts.read_bytes().replace(b"dawn", b"noon", 1))
    manifest = folder / "manifest-sha256.txt"
    check = ["sha256sum", "--check", "manifest-sha256.txt"]
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode != 0
    # A forger who computes the digests again is caught by the signature.
    digest = hashlib.sha256(posts.read_bytes()).hexdigest()
    manifest.write_text(re.sub(r"\w+(?=  data/posts)", digest, manifest.read_text()))
    tags = folder / "tagmanifest-sha256.txt"
    again = hashlib.sha256(manifest.read_bytes()).hexdigest()
    tags.write_text(re.sub(r"\w+(?=  manifest)", again, tags.read_text()))
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 0
    verify = "openssl dgst -sha256 -verify key.pem -signature tagmanifest-sha256.txt.sig tagmanifest-sha256.txt"
    assert subprocess.run(verify.split(), cwd=folder, capture_output=True).returncode != 0
