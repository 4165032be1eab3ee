"""Time stamps from a real authority (`openssl ts`) that the tests set up, judged by two programs that others wrote."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError, Unreachable
from archiver.ledger import stamps
from archiver.ledger.proof import check_script
from archiver.model import Body, Capture, Finding, Origin, Outcome, Reason, Request
from tests.test_ledger_proof import NOTE, proof_of, shell

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command"),
]

# --- an authority ----------------------------------------------------------------------------------------------------

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Test
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
"""
SECTION = """
[{certs}]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
ess_cert_id_alg = sha256
{line}
"""


class Authority:
    """A root, an intermediate, and a time-stamping certificate under it, all made here; answers queries as
    `openssl ts -reply` does, with the certificates of one of its sections."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sections = {"bare": "", "one": "certs = intermediate.pem", "many": "certs = chain.pem"}
        text = CONFIG + "".join(
            SECTION.format(certs=certs, line=line, digests="sha256, sha512") for certs, line in sections.items()
        )
        text += SECTION.format(certs="only512", line="", digests="sha512")
        (folder / "authority.cnf").write_text(text)
        (folder / "serial").write_text("01")
        new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config authority.cnf"
        for name in ("root", "stranger"):
            self.run(f"req -x509 {new} -subj /CN={name} -extensions ca -keyout {name}.key -out {name}.pem -days 9000")
        for name, issuer, kind in (("intermediate", "root", "ca"), ("tsa", "intermediate", "tsa")):
            self.run(f"req {new} -subj /CN={name} -keyout {name}.key -out {name}.csr")
            self.run(
                f"x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -out {name}.pem "
                f"-extfile authority.cnf -extensions {kind} -days 9000"
            )
        certificates = [self.pem(name) for name in ("root", "intermediate")]
        (folder / "chain.pem").write_bytes(b"".join(certificates))

    def run(self, command: str, check: bool = True) -> None:
        subprocess.run(["openssl", *command.split()], cwd=self.folder, capture_output=True, check=check)

    def pem(self, name: str) -> bytes:
        return (self.folder / f"{name}.pem").read_bytes()

    def answer(self, query: bytes, section: str) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.run(f"ts -reply -queryfile query -config authority.cnf -section {section} -out reply")
        return (self.folder / "reply").read_bytes()

    def stamp(self, note: bytes, section: str = "one") -> bytes | Finding:
        """The whole exchange, as whoever opens sockets would carry it."""
        return exchange(note, lambda request: captured(request, self.answer(request.body, section)))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def captured(request: Request, body: bytes, status: int = 200, kind: str = "live") -> Capture:
    now = dt.datetime(2026, 11, 22, 18, 54, tzinfo=dt.UTC)
    content = Body.of(body)
    sent = Body.of(request.body)
    headers = (("content-type", "text/html"),)  # never trusted
    return Capture(
        request.url,
        "POST",
        request.headers,
        sent,
        status,
        "HTTP/1.1",
        headers,
        content,
        content,
        now,
        now,
        Origin(kind),
    )


def exchange(note: bytes, answer: Callable[[Request], Capture]) -> bytes | Finding:
    look = stamps.stamp(note, "http://authority.example/")
    request = next(look)
    with pytest.raises(StopIteration) as stopped:
        look.send(answer(request))
    returned: bytes | Finding = stopped.value.value
    return returned


def token(authority: Authority, section: str = "one", note: bytes = NOTE) -> bytes:
    answered = authority.stamp(note, section)
    assert isinstance(answered, bytes)
    return answered


# --- stamps ----------------------------------------------------------------------------------------------------------


def test_the_authority_is_asked_as_rfc_3161_has_it_and_never_sees_the_note() -> None:
    request = next(stamps.stamp(NOTE, "http://authority.example/"))
    assert (request.method, request.url) == ("POST", "http://authority.example/")
    assert ("content-type", "application/timestamp-query") in request.headers
    assert hashlib.sha256(NOTE).digest() in request.body
    assert b"example.org" not in request.body
    assert request.max_bytes is not None and request.max_bytes <= 1 << 20


def test_every_request_has_its_own_nonce() -> None:
    requests = [next(stamps.stamp(NOTE, "http://authority.example/")).body for _ in range(3)]
    assert len(set(requests)) == 3


@pytest.mark.parametrize("section", ["one", "many"])
def test_a_token_holds_for_both_programs(authority: Authority, section: str) -> None:
    kept = token(authority, section)
    checks = stamps.check(kept, NOTE, authority.pem("root"))
    assert [(check.by, check.holds) for check in checks] == [("rfc3161-client", True), ("openssl", True)]
    assert stamps.holds(checks)
    stated = stamps.read(kept)
    assert stated.note_sha256 == hashlib.sha256(NOTE).hexdigest()
    assert abs(stated.at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert stated.policy == "1.2.3.4.1"


def test_a_token_with_unsorted_certificates_is_kept_as_sent_and_still_read(authority: Authority) -> None:
    """OpenSSL sends certificates in the configured order; rfc3161-client alone refuses that as bad DER."""
    from rfc3161_client import decode_timestamp_response

    orders = set()
    for names in itertools.permutations(("root", "intermediate")):
        (authority.folder / "chain.pem").write_bytes(b"".join(authority.pem(name) for name in names))
        kept = token(authority, "many")
        try:
            decode_timestamp_response(kept)
            orders.add("sorted")
        except ValueError as error:
            assert "InvalidSetOrdering" in str(error)
            orders.add("unsorted")
        assert stamps.holds(stamps.check(kept, NOTE, authority.pem("root")))
        (authority.folder / "kept").write_bytes(kept)
        (authority.folder / "note").write_bytes(NOTE)
        authority.run("ts -verify -data note -in kept -CAfile root.pem")
    assert "unsorted" in orders


def test_a_token_without_its_intermediate_holds_once_that_is_given(authority: Authority) -> None:
    kept = token(authority, "bare")
    assert not stamps.holds(stamps.check(kept, NOTE, authority.pem("root")))
    assert stamps.holds(stamps.check(kept, NOTE, authority.pem("root") + authority.pem("intermediate")))


def test_a_token_of_something_else_or_by_a_stranger_does_not_hold(authority: Authority) -> None:
    kept = token(authority)
    for note, roots in (
        (NOTE + b" ", authority.pem("root")),
        (NOTE, authority.pem("stranger")),
        (NOTE, authority.pem("stranger") + authority.pem("intermediate")),
        (NOTE, authority.pem("stranger") + authority.pem("tsa")),
    ):
        checks = stamps.check(kept, note, roots)
        assert not stamps.holds(checks)
        assert all(check.why for check in checks)
        assert checks[1].holds is False


def test_without_any_root_nothing_holds(authority: Authority) -> None:
    assert not stamps.holds(stamps.check(token(authority), NOTE, b""))
    assert not stamps.holds(stamps.check(token(authority), NOTE, b"no certificate"))


def test_without_openssl_the_other_program_decides_and_says_so(authority: Authority) -> None:
    checks = stamps.check(token(authority), NOTE, authority.pem("root"), openssl="/nonexistent/openssl")
    assert [check.holds for check in checks] == [True, None]
    assert "could not be run" in checks[1].why
    assert stamps.holds(checks)


def test_what_one_program_refuses_does_not_hold() -> None:
    accepts, refuses, cannot = (stamps.Check("x", holds) for holds in (True, False, None))
    assert stamps.holds((accepts, cannot))
    assert not stamps.holds((accepts, refuses))
    assert not stamps.holds((cannot, cannot))


def test_a_changed_token_never_states_another_time_or_note_and_holds(authority: Authority) -> None:
    """Bytes outside the signature (a spare certificate) may change; what the token says may not."""
    kept = token(authority)
    stated = stamps.read(kept)
    for at in range(0, len(kept), 23):
        forged = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        checks = stamps.check(forged, NOTE, authority.pem("root"))
        if stamps.holds(checks):
            # Where a changed spare certificate leaves nothing that can be read, nothing is stated either.
            with contextlib.suppress(ParseError):
                assert stamps.read(forged) == stated


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    with pytest.raises(ParseError, match="not a time stamp"):
        stamps.read(noise)


def test_a_token_cut_anywhere_is_refused_in_a_sentence(authority: Authority) -> None:
    kept = token(authority)
    for end in range(0, len(kept), 11):
        with pytest.raises(ParseError, match="not a time stamp"):
            stamps.read(kept[:end])


def test_a_reply_to_another_request_is_not_taken(authority: Authority) -> None:
    before = token(authority)
    found = exchange(NOTE, lambda request: captured(request, before))
    assert isinstance(found, Finding)
    assert (found.outcome, found.tombstone) == (Outcome.UNREADABLE, "the token answers another request")
    assert exchange(NOTE, lambda request: captured(request, before, kind="replay")) == before


def test_a_reply_about_something_else_is_not_taken(authority: Authority) -> None:
    other = token(authority, note=b"something else\n")
    found = exchange(NOTE, lambda request: captured(request, other, kind="replay"))
    assert isinstance(found, Finding)
    assert (found.outcome, found.tombstone) == (Outcome.UNREADABLE, "the token is of something else")


def test_an_authority_that_refuses_is_quoted(authority: Authority) -> None:
    found = authority.stamp(NOTE, "only512")
    assert isinstance(found, Finding)
    assert (found.outcome, found.reason) == (Outcome.REFUSED, Reason.BAD_REQUEST)
    assert found.tombstone and "algorithm" in found.tombstone


@pytest.mark.parametrize(
    "status, outcome, reason",
    [
        (429, Outcome.REFUSED, Reason.RATE_LIMITED),
        (403, Outcome.REFUSED, Reason.BLOCKED),
        (302, Outcome.REFUSED, Reason.BLOCKED),
        (503, Outcome.REFUSED, Reason.SERVER_ERROR),
        (200, Outcome.UNREADABLE, Reason.UNREADABLE),
    ],
)
def test_an_answer_that_is_no_token_is_a_finding(status: int, outcome: Outcome, reason: Reason) -> None:
    found = exchange(NOTE, lambda request: captured(request, b"<html>", status))
    assert isinstance(found, Finding)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "reason, kept", [("timeout", Reason.TIMEOUT), ("unreachable", Reason.UNREACHABLE), ("odd", Reason.UNREACHABLE)]
)
def test_a_silent_authority_is_a_finding(reason: str, kept: Reason) -> None:
    look = stamps.stamp(NOTE, "http://authority.example/")
    next(look)
    with pytest.raises(StopIteration) as stopped:
        look.throw(Unreachable("authority.example: no answer", reason=reason))
    assert (stopped.value.value.outcome, stopped.value.value.reason) == (Outcome.UNREACHABLE, kept)


def test_the_shell_checks_time_stamps_against_roots_the_reader_has(tmp_path: Path, authority: Authority) -> None:
    kept = (token(authority, "one"), token(authority, "many"))
    (tmp_path / "proof.json").write_text(proof_of(5, kept).as_json())
    ran = shell(tmp_path, check_script())
    assert ran.returncode == 0, ran.stderr
    stated = stamps.read(kept[0]).at.strftime("%b %e %H:%M:%S %Y GMT")
    assert stated in ran.stdout

    (tmp_path / "roots.pem").write_bytes(authority.pem("root"))
    assert shell(tmp_path, check_script()).stdout.count("Verification: OK") == 2
    (tmp_path / "roots.pem").write_bytes(authority.pem("stranger"))
    assert shell(tmp_path, check_script()).returncode != 0


def test_verify_checks_every_stamp_of_an_archive_under_the_roots_given(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from archiver import cli
    from archiver.ledger import checkpoint
    from archiver.ledger.checkpoint import Checkpoint
    from archiver.ledger.keys import Keys
    from archiver.store import Writer, log
    from tests.archives import START, build

    path = build(tmp_path / "archive.db", 3)
    keys = Keys.create(tmp_path / "log.key", "example.org/archive")

    def sign(size: int, root: bytes) -> tuple[bytes, str]:
        return checkpoint.sign(Checkpoint(keys.public.name, size, root), keys), keys.public.vkey

    root = str(authority.folder / "root.pem")
    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer:
        kept = writer.checkpoint(sign, None)
        assert kept
        with writer.transaction() as db:
            log.add_stamp(db, kept.size, "https://a.example/", token(authority, note=kept.note), START)
    assert cli.main(["verify", str(path), "--roots", root]) == 0
    assert "1 time stamps" in capsys.readouterr().out
    assert cli.main(["verify", str(path), "--roots", str(authority.folder / "stranger.pem")]) == 1
    assert "does not hold" in capsys.readouterr().out
    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer, writer.transaction() as db:
        log.add_stamp(db, kept.size, "https://b.example/", token(authority, note=b"another note\n"), START)
    assert cli.main(["verify", str(path), "--roots", root]) == 1
    assert "https://b.example/" in capsys.readouterr().out
    assert cli.main(["verify", str(path), "--roots", str(tmp_path / "nowhere.pem")]) == 2
