"""The Wayback Machine: CDX, availability, replay, time maps and Save Page Now 2 (PLATFORMS.md 3.6).

CDX follows the published server (internetarchive/wayback, wayback-cdx-server), replay the recorded exchanges in
../shared/fixtures/wayback.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote_plus, unquote, unquote_plus, urljoin

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, document, plain, redirect
from tests.simulator.exchange import html as page
from tests.simulator.mementos import Memento, digest_of, stamp, urlkey
from tests.simulator.world import Job, World, http_date

FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
#: The most rows one answer has, whatever `limit` says.
READ_LIMIT = 150_000
#: Rows of one page of the paged interface.
PAGE = 3000

_BLOCKED = (
    "org.archive.util.io.RuntimeIOException: org.archive.wayback.exception.AdministrativeAccessControlException: "
    "Blocked Site Error"
)
_REPLAY = re.compile(r"^/web/(\d{1,14})([a-z]{2}_)?/(.+)$", re.ASCII | re.DOTALL)
_GATE = re.compile(r"^/web/(?:\*/)?(https?:.+|[\w-]+(?:\.[\w-]+)+.*)$", re.ASCII | re.DOTALL)
_HEADERS = (
    ("server", "nginx"),
    ("x-app-server", "wwwb-app201"),
    ("x-location", "All"),
    ("x-rl", "0"),
    ("x-na", "0"),
    ("x-nid", "-"),
    ("x-page-cache", "MISS"),
    ("referrer-policy", "no-referrer-when-downgrade"),
    ("permissions-policy", "interest-cohort=()"),
)


def _ts(status: int) -> tuple[str, str]:
    return "x-ts", str(status)


def visible(world: World) -> list[Memento]:
    """What has been captured by now, in the index's order: by URL key, then time."""
    now = world.clock.now
    return sorted((m for m in world.mementos if m.at <= now), key=lambda m: (m.urlkey, m.timestamp))


def is_excluded(world: World, key: str) -> bool:
    return any(key.startswith(urlkey(prefix)) for prefix in world.excluded)


# --- CDX ------------------------------------------------------------------------------------------------------------


def _scope(query: dict[str, str]) -> tuple[str, str]:
    """The key to look for and how: exact, prefix, host or domain; a wildcard in the URL implies it."""
    url, match = query["url"], query.get("matchType", "exact")
    if url.endswith("*"):
        url, match = url[:-1], "prefix"
    elif url.startswith("*."):
        url, match = url[2:], "domain"
    key = urlkey(url)
    if match == "prefix" and url.endswith("/") and not key.endswith("/"):
        key += "/"
    if match in ("host", "domain"):
        key = key.partition(")")[0]
    return key, match


def _matches(key: str, wanted: str, match: str) -> bool:
    if match == "prefix":
        return key.startswith(wanted)
    if match == "host":
        return key.startswith(f"{wanted})")
    if match == "domain":
        return key.startswith((f"{wanted})", f"{wanted},"))
    return key == wanted


def _filters(request: Request) -> list[tuple[str, bool, bool, str]]:
    """`[~][!]field:pattern` as (field, is negated, is substring, pattern)."""
    out = []
    for name, value in request.pairs:
        if name == "filter":
            field, _, pattern = value.partition(":")
            is_part = field.startswith("~")
            field = field.removeprefix("~")
            out.append((field.removeprefix("!"), field.startswith("!"), is_part, pattern))
    return out


def _collapsed(rows: Iterable[dict[str, str]], keys: Sequence[str]) -> Iterable[dict[str, str]]:
    """Without those that repeat the row before in every collapse field (adjacent rows only)."""
    last = None
    for row in rows:
        current = []
        for key in keys:
            field, _, size = key.partition(":")
            current.append(row.get(field, "")[: int(size)] if size else row.get(field, ""))
        if not keys or current != last:
            yield row
        last = current


def _next_key(row: dict[str, str]) -> str:
    """A resume key, URL-encoded: the last row's key and time and a character that sorts after both."""
    return quote_plus(f"{row['urlkey']} {row['timestamp']}!")


def cdx(world: World, request: Request) -> Response:
    query = request.query
    headers = (*_HEADERS, _ts(200))
    if not query.get("url"):
        return plain("The url param is required", 400, _HEADERS)
    wanted, match = _scope(query)
    if is_excluded(world, wanted):
        return plain(f"{_BLOCKED}\n", 403, (*_HEADERS, ("x-archive-wayback-runtime-error", _BLOCKED), _ts(403)))
    rows = [m.row for m in visible(world) if _matches(m.urlkey, wanted, match) and not is_excluded(world, m.urlkey)]
    if query.get("showNumPages") == "true":
        return plain(f"{-(-len(rows) // PAGE)}\n", headers=headers)
    if query.get("page", "").isdigit():
        first = int(query["page"]) * PAGE
        rows = rows[first : first + PAGE]
    if resume := query.get("resumeKey"):
        # Given once encoded (a client echoes what it was shown) and once more by the query itself.
        point = unquote_plus(resume) if "%" in resume or "+" in resume else resume
        rows = [row for row in rows if f"{row['urlkey']} {row['timestamp']}" >= point]
    try:
        offset, limit = int(query.get("offset", "0") or 0), int(query.get("limit", "0") or 0)
        patterns = [(field, no, part, re.compile(text)) for field, no, part, text in _filters(request)]
    except (ValueError, re.error) as error:
        return plain(f"{error}\n", 400, _HEADERS)
    begin, end = query.get("from", ""), query.get("to", "")
    kept = []
    for row in rows[max(0, offset) :]:
        time = row["timestamp"]
        if (begin and time < begin) or (end and time > end and not time.startswith(end)):
            continue
        if all(
            bool(pattern.search(row.get(field, "")) if part else pattern.fullmatch(row.get(field, ""))) is not no
            for field, no, part, pattern in patterns
        ):
            kept.append(row)
    kept = list(_collapsed(kept, [value for name, value in request.pairs if name == "collapse"]))
    if query.get("sort") == "reverse":
        kept.reverse()
    if query.get("sort") == "closest" and query.get("closest"):
        target = int(query["closest"].ljust(14, "0"))
        kept.sort(key=lambda row: abs(int(row["timestamp"]) - target))
    size = min(abs(limit) or READ_LIMIT, READ_LIMIT)
    shown = kept[-size:] if limit < 0 else kept[:size]
    resume = None
    if query.get("showResumeKey") == "true" and limit > 0 and len(shown) >= size:
        resume = _next_key(shown[-1])
    fields = [field for field in query["fl"].split(",") if field in FIELDS] if query.get("fl") else list(FIELDS)
    table = [[row[field] for field in fields] for row in shown]
    if query.get("output") == "json":
        return _table(fields, table, resume)
    lines = [" ".join(row) for row in table] + (["", resume] if resume else [])
    return plain("".join(f"{line}\n" for line in lines), headers=headers)


def _table(fields: list[str], table: list[list[str]], resume: str | None) -> Response:
    """One JSON array, a row a line, the field names first; `[]` where there is nothing at all."""
    rows: list[list[str]] = [fields, *table] if table else []
    if resume:
        rows += [[], [resume]]
    text = "[" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]\n"
    return Response(200, (("content-type", "application/json"), *_HEADERS, _ts(200)), text.encode())


# --- availability ---------------------------------------------------------------------------------------------------


def closest(captures: Sequence[Memento], timestamp: str) -> Memento:
    """The capture next to a timestamp of 1 to 14 digits."""
    wanted = _moment(timestamp)
    return min(captures, key=lambda m: (abs(_moment(m.timestamp) - wanted), m.timestamp))


def _moment(timestamp: str) -> float:
    """Seconds since the epoch of a timestamp, the rest of a short one filled up with its earliest values."""
    text = timestamp + "00010101000000"[len(timestamp) :]
    year, month, day = max(1, int(text[:4])), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:14])
    month, day = min(max(month, 1), 12), min(max(day, 1), 28) if not 1 <= day <= 31 else day
    try:
        at = dt.datetime(year, month, day, min(hour, 23), min(minute, 59), min(second, 59), tzinfo=dt.UTC)
    except ValueError:
        at = dt.datetime(year, month, 28, tzinfo=dt.UTC)
    return at.timestamp()


def available(world: World, request: Request) -> Response:
    """The closest good capture; `{}` where there is none, or where the URL is excluded."""
    if request.path.rstrip("/") != "/wayback/available":
        return page("<html><title>Internet Archive</title></html>")
    url = request.query.get("url", "")
    key = urlkey(url) if url else ""
    found = [m for m in visible(world) if m.urlkey == key and m.status == 200 and not is_excluded(world, key)]
    body: dict[str, object] = {"url": url, "archived_snapshots": {}}
    if "timestamp" in request.query:
        body["timestamp"] = request.query["timestamp"]
    if found:
        best = closest(found, request.query.get("timestamp") or stamp(world.clock.now))
        body["archived_snapshots"] = {
            "closest": {
                "status": str(best.status),
                "available": True,
                "url": f"http://web.archive.org/web/{best.timestamp}/{best.url}",
                "timestamp": best.timestamp,
            }
        }
    return document(body, headers=_HEADERS)


# --- replay ---------------------------------------------------------------------------------------------------------


def _links(captures: Sequence[Memento], current: Memento) -> str:
    """The Link header: original, timemap, timegate and the neighbours."""
    base = "https://web.archive.org/web"
    links = [
        f'<{current.url}>; rel="original"',
        f'<{base}/timemap/link/{current.url}>; rel="timemap"; type="application/link-format"',
        f'<{base}/{current.url}>; rel="timegate"',
    ]
    place = captures.index(current)
    rels: dict[int, list[str]] = {}
    for rel, number in (
        ("first", 0),
        ("prev", place - 1),
        ("", place),
        ("next", place + 1),
        ("last", len(captures) - 1),
    ):
        if 0 <= number < len(captures):
            rels.setdefault(number, []).append(rel)
    for number in sorted(rels):
        memento = captures[number]
        rel = " ".join(name for name in rels[number] if name)
        links.append(
            f'<{base}/{memento.timestamp}/{memento.url}>; rel="{rel + " " if rel else ""}memento"; '
            f'datetime="{http_date(memento.at)}"'
        )
    return ", ".join(links)


def _error(status: int, said: str, *extra: tuple[str, str]) -> Response:
    text = (
        '<!DOCTYPE html><html lang="en"><head><title>Wayback Machine</title></head>'
        f'<body><div id="error"><p class="code">{html.escape(said)}</p></div></body></html>'
    )
    return page(text, status, (*_HEADERS, _ts(status), *extra))


def _rewritten(memento: Memento, body: bytes, modifier: str) -> bytes:
    """What replay without `id_` makes of text: absolute URLs lead into the archive, pages get a toolbar."""
    if modifier == "id_" or modifier == "im_" or not memento.mime.startswith(("text/html", "application/json")):
        return body
    prefix = f"https://web.archive.org/web/{memento.timestamp}/"
    text = body.decode("utf-8", "replace")
    if memento.mime.startswith("application/json"):
        escaped = prefix.replace("/", "\\/")
        text = re.sub(r'(?<=":")(?=https?:\\/\\/)', lambda _: escaped, text)
        return re.sub(r'(?<=":")(?=https?://)', prefix, text).encode()
    text = re.sub(r'(?<=href=")(?=https?://)|(?<=src=")(?=https?://)', prefix, text)
    banner = '<!-- BEGIN WAYBACK TOOLBAR INSERT --><div id="wm-ipp-base"></div><!-- END WAYBACK TOOLBAR INSERT -->'
    return re.sub(r"(<body[^>]*>)", lambda found: found[1] + banner, text, count=1).encode()


def _play(captures: Sequence[Memento], memento: Memento, modifier: str) -> Response:
    """One memento, with the status and the body of that day and the headers of today."""
    source = memento
    if memento.is_revisit:
        same = digest_of(memento.body)
        source = next((m for m in captures if not m.is_revisit and digest_of(m.body) == same), memento)
    body = _rewritten(source, source.body, modifier)
    # Replay without a modifier is for people: redirects are pages there, and real redirects elsewhere.
    kept = {"content-type", "location"}
    headers = [(name, value) for name, value in source.headers if name.lower() not in kept]
    out: list[tuple[str, str]] = [*_HEADERS, _ts(source.status)]
    kind = next((value for name, value in source.headers if name.lower() == "content-type"), source.mime)
    out.append(("content-type", kind))
    location = next((value for name, value in source.headers if name.lower() == "location"), None)
    if location is not None:
        target = urljoin(source.url, location)
        out.append(("location", f"https://web.archive.org/web/{memento.timestamp}{modifier}/{target}"))
    out += [
        ("memento-datetime", http_date(memento.at)),
        ("link", _links(captures, memento)),
        ("cache-control", "max-age=1800"),
        ("x-archive-src", f"simulated-{memento.timestamp}/simulated-{memento.timestamp}.warc.gz"),
        ("x-archive-orig-date", http_date(memento.at)),
        ("x-archive-orig-content-length", str(len(source.body))),
    ]
    out += [(f"x-archive-orig-{name.lower()}", value) for name, value in headers]
    return Response(source.status, tuple(out), body)


def _captures(world: World, url: str) -> list[Memento]:
    key = urlkey(url)
    return [memento for memento in visible(world) if memento.urlkey == key]


def _url(text: str) -> str:
    """The archived URL in a request's path, which some clients escape and others shorten."""
    if re.match(r"https?%3a", text, re.IGNORECASE):
        text = unquote(text)
    text = re.sub(r"^(https?):/+", r"\1://", text)
    return text if re.match(r"https?://", text) else f"http://{text}"


def replay(world: World, request: Request, timestamp: str, modifier: str, url: str) -> Response:
    """A memento at exactly that time, else a 302 to the closest one (which is none itself), else 404."""
    url = _url(url)
    if is_excluded(world, urlkey(url)):
        said = "This URL has been excluded from the Wayback Machine."
        return _error(world.uncertain.excluded_replay, said, ("x-archive-wayback-runtime-error", _BLOCKED))
    captures = _captures(world, url)
    if not captures:
        return _error(404, "The Wayback Machine has not archived that URL.")
    exact = [memento for memento in captures if memento.timestamp == timestamp]
    if exact:
        # Keys ignore case: where two captures share a second, the one with exactly this URL is played.
        return _play(captures, next((m for m in exact if m.url == url), exact[0]), modifier)
    best = closest(captures, timestamp)
    return redirect(
        f"https://web.archive.org/web/{best.timestamp}{modifier}/{best.url}",
        302,
        (*_HEADERS, _ts(302), ("x-archive-redirect-reason", f"found capture at {best.timestamp}")),
    )


def gate(world: World, request: Request, url: str) -> Response:
    """The TimeGate: the capture next to Accept-Datetime, else the newest (RFC 7089)."""
    url = _url(url)
    captures = _captures(world, url)
    if not captures or is_excluded(world, urlkey(url)):
        return replay(world, request, stamp(world.clock.now), "", url)
    asked = request.header("accept-datetime")
    try:
        timestamp = stamp(parsedate_to_datetime(asked)) if asked else stamp(world.clock.now)
    except ValueError:
        return _error(400, "Accept-Datetime cannot be read.")
    best = closest(captures, timestamp)
    links = _links(captures, best)
    return redirect(
        f"https://web.archive.org/web/{best.timestamp}/{best.url}",
        302,
        (*_HEADERS, _ts(302), ("vary", "accept-datetime"), ("link", links)),
    )


def timemap(world: World, request: Request, form: str, url: str) -> Response:
    """`link` (RFC 7089) or `json` (CDX rows with more columns) [S]."""
    url = _url(url)
    captures = [] if is_excluded(world, urlkey(url)) else _captures(world, url)
    if form == "json":
        fields = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "redirect", "robotflags"]
        fields += ["length", "offset", "filename"]
        return _table(fields, [[memento.row.get(field, "-") for field in fields] for memento in captures], None)
    if not captures:
        return _error(404, "The Wayback Machine has not archived that URL.")
    base = "https://web.archive.org/web"
    first, last = http_date(captures[0].at), http_date(captures[-1].at)
    lines = [
        f'<{url}>; rel="original"',
        f'<{base}/timemap/link/{url}>; rel="self"; type="application/link-format"; from="{first}"; until="{last}"',
        f'<{base}/{url}>; rel="timegate"',
    ]
    for number, memento in enumerate(captures):
        rel = "first memento" if number == 0 else "last memento" if number == len(captures) - 1 else "memento"
        lines.append(f'<{base}/{memento.timestamp}/{memento.url}>; rel="{rel}"; datetime="{http_date(memento.at)}"')
    text = ",\n".join(lines) + "\n"
    return Response(200, (("content-type", "application/link-format"), *_HEADERS, _ts(200)), text.encode())


# --- Save Page Now --------------------------------------------------------------------------------------------------


def save(world: World, request: Request) -> Response:
    """`POST /save` starts a job, `GET /save/status/ID` tells how it goes, `GET /save/URL` does both at once."""
    if request.path.startswith("/save/status/"):
        return status(world, request.path.removeprefix("/save/status/"))
    given = request.header("authorization")
    if given is not None and given not in {f"LOW {pair}" for pair in world.save_keys}:
        return document({"message": "You need to be logged in to use Save Page Now."}, 401)
    if request.method == "POST" and request.path.rstrip("/") == "/save":
        url = request.form.get("url", "")
        if not re.match(r"https?://[^/]+\.[^/]+", url):
            said = {
                "status": "error",
                "status_ext": "error:invalid-url-syntax",
                "message": f"{url} URL syntax is not valid.",
            }
            return document(said, 400)
        job = start(world, url, request.form)
        return document({"url": url, "job_id": job.id})
    if request.method == "GET" and (rest := request.target.removeprefix("/save/")) != request.target and rest:
        job = start(world, _url(rest), {})
        finish(world, job)
        if job.memento is None:
            return _error(520, "Job failed")
        return redirect(
            f"https://web.archive.org/web/{job.memento.timestamp}/{job.memento.url}",
            302,
            (*_HEADERS, ("content-location", f"/web/{job.memento.timestamp}/{job.memento.url}")),
        )
    return page("<html><title>Save Page Now</title><body><form action='/save' method='post'></form></body></html>")


def start(world: World, url: str, options: Mapping[str, str]) -> Job:
    id = f"spn2-{films.digest(world.seed, 'job', url, len(world.jobs)).hex()[:40]}"
    job = Job(id, url, world.save_polls, options, world.unsavable.get(url))
    world.jobs[id] = job
    return job


def finish(world: World, job: Job) -> None:
    """Fetch the page as the archive's crawler would, and keep what comes."""
    if job.error is None and job.memento is None:
        host = Request.get(job.url).host
        if host not in world.hosts():
            job.error = "error:invalid-host-resolution"
            return
        agent = "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)"
        answer = world.respond(Request.get(job.url, user_agent=agent))
        kind = (answer.header("content-type") or "unk").partition(";")[0]
        headers = tuple((name, value) for name, value in answer.headers if name != "date")
        job.memento = world.memento(
            job.url, world.clock.now, answer.payload, status=answer.status, mime=kind, headers=headers
        )


def status(world: World, id: str) -> Response:
    job = world.jobs.get(id)
    if job is None:
        said = {"status": "error", "job_id": id, "status_ext": "error:not-found", "message": "Job not found."}
        return document(said, 404)
    if job.polls > 0:
        job.polls -= 1
        return document({"status": "pending", "job_id": id, "resources": []})
    finish(world, job)
    if job.memento is None:
        name = (job.error or "").removeprefix("error:")
        message = f"The capture of {job.url} failed ({name})."
        return document({"status": "error", "job_id": id, "status_ext": job.error, "message": message, "resources": []})
    return document(
        {
            "status": "success",
            "job_id": id,
            "original_url": job.memento.url,
            "timestamp": job.memento.timestamp,
            "duration_sec": 6.2,
            "http_status": job.memento.status,
            "resources": [job.memento.url],
            "outlinks": [],
            "counters": {"outlinks": 0, "embeds": 0},
        }
    )


def archive(world: World, request: Request) -> Response:
    """web.archive.org."""
    target = request.target
    if request.path == "/cdx/search/cdx":
        return cdx(world, request)
    if request.path == "/save" or target.startswith("/save/"):
        return save(world, request)
    if found := re.match(r"^/web/timemap/(link|json)/(.+)$", target):
        return timemap(world, request, found[1], found[2])
    if found := _REPLAY.match(target):
        return replay(world, request, found[1], found[2] or "", found[3])
    if found := _GATE.match(target):
        return gate(world, request, found[1])
    return page("<html><title>Wayback Machine</title></html>", headers=_HEADERS)


HANDLERS = {"web.archive.org": archive, "archive.org": available, "www.archive.org": available}
