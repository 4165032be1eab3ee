"""How long posts live: against a published table, against a count by hand, and through the command."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import struct
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Claim, Embed, Kind, PostRef, Rank, Reason, Resolution
from archiver.store import Writer, connect_to_read, lives, opinions
from archiver.survival import DAY, Life, estimate, survival
from tests.archives import answer
from tests.commands import Run
from tests.simulator.world import World

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(days: float) -> dt.datetime:
    return START + dt.timedelta(days=days)


def test_the_estimate_is_the_published_one() -> None:
    """The 6-MP arm of Freireich et al. 1963 (weeks; + still in remission), with the log-log limits that statistics
    programs print for it."""
    weeks = [
        "6",
        "6",
        "6",
        "6+",
        "7",
        "9+",
        "10",
        "10+",
        "11+",
        "13",
        "16",
        "17+",
        "19+",
        "20+",
        "22",
        "23",
        "25+",
        "32+",
        "32+",
        "34+",
        "35+",
    ]
    steps = estimate((float(each.rstrip("+")), not each.endswith("+")) for each in weeks)
    assert [(step.age, step.at_risk, step.lost) for step in steps] == [
        (6, 21, 3), (7, 17, 1), (10, 15, 1), (13, 12, 1), (16, 11, 1), (22, 7, 1), (23, 6, 1),
    ]  # fmt: skip
    assert [f"{step.survival:.4f}" for step in steps] == [
        "0.8571", "0.8067", "0.7529", "0.6902", "0.6275", "0.5378", "0.4482",
    ]  # fmt: skip
    limits = [(f"{step.low:.4f}", f"{step.high:.4f}") for step in steps]
    assert limits == [
        ("0.6197", "0.9516"), ("0.5631", "0.9228"), ("0.5032", "0.8894"), ("0.4316", "0.8491"), ("0.3675", "0.8049"),
        ("0.2678", "0.7468"), ("0.1881", "0.6801"),
    ]  # fmt: skip


def life(first: float, last: float, missing: float | None = None) -> Life:
    return Life("twitter", ("desk",), at(first), at(last), None if missing is None else at(missing))


def test_a_post_that_is_not_looked_at_again_is_not_alive() -> None:
    """Nine were seen once, one was followed for a year: after a year one post is known to live, not ten."""
    found = survival([*(life(0, 0) for _ in range(9)), life(0, 365)])
    row = next(each for each in found.rows if each.age == 365 * DAY)
    assert (found.seen, found.once, row.at_risk, row.most) == (10, 9, 1, 1.0)
    later = next(each for each in found.rows if each.age == 730 * DAY)
    assert (later.at_risk, later.least, later.most, later.low) == (0, None, None, None)


def test_a_loss_between_two_looks_gives_two_figures() -> None:
    """Four posts, one of them lost between day 1 and day 30: after a week three or four of four are there."""
    found = survival([*(life(0, 60) for _ in range(3)), life(0, 1, 30)])
    week = next(each for each in found.rows if each.age == 7 * DAY)
    month = next(each for each in found.rows if each.age == 30 * DAY)
    assert (week.least, week.most, week.lost) == (0.75, 1.0, 0)
    assert (month.least, month.most, month.lost) == (0.75, 0.75, 1)


def test_what_was_gone_before_the_first_look_is_counted_apart() -> None:
    found = survival([life(0, 2), Life("twitter", (), None, None, at(1))])
    assert (found.seen, found.gone_before, found.lost) == (1, 1, 0)


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0, 100), st.one_of(st.none(), st.floats(0.01, 50))), max_size=30)
)
def test_any_lives_give_a_table_that_makes_sense(shape: list[tuple[float, float, float | None]]) -> None:
    some = [life(first, first + span, None if gone is None else first + span + gone) for first, span, gone in shape]
    found = survival(some)
    assert found.seen == len(some)
    known = [row for row in found.rows if row.least is not None and row.most is not None]
    for row in known:
        assert row.low is not None and row.high is not None
        assert 0 <= row.low <= row.least <= row.most <= row.high <= 1 + 1e-12  # type: ignore[operator]
    assert [row.at_risk for row in found.rows] == sorted((row.at_risk for row in found.rows), reverse=True)
    assert [row.lost for row in found.rows] == sorted(row.lost for row in found.rows)


Look = tuple[float, str, str, Rank]
SEEN, GONE, HIDDEN = ("found", "ok"), ("gone", "deleted"), ("hidden", "protected")


def archive(path: Path, stories: dict[str, list[tuple[float, tuple[str, str]]]], rank: Rank = Rank.FIRST_HAND) -> Path:
    with Writer(path, holder="a test", now=lambda: START) as writer:
        for number, (id, looks) in enumerate(stories.items()):
            ref = PostRef("twitter", id)
            page = answer(f"https://news.example/{id}", b"<p>", at(number / 100))
            writer.add_captures([page])
            embed = Embed(
                platform="twitter", kind=Kind.LINK, ref=ref, url=None, claim=Claim(), where="text", in_body=True,
                start=0, end=1, selectors=(),
            )  # fmt: skip
            with writer.transaction() as db:
                name = opinions.add_article(
                    db, page, page.url, [embed], media_type=None, charset=None, published_at=None,
                    label="desk" if number % 2 else None, read_at=START,
                )  # fmt: skip
                opinions.set_resolution(db, opinions.name_of("embed", name, 0), Resolution(ref, Reason.OK, "url"))
                opinions.add_post(db, ref, f"https://x.com/i/status/{id}", None)
                for day, (outcome, reason) in looks:
                    tried = opinions.Attempt("syndication", rank, outcome, reason, None, None, (), at(day), at(day))
                    opinions.add_attempt(db, ref, tried, "run")
    return path


def known(path: Path) -> dict[tuple[str, ...], Life]:
    db = connect_to_read(path)
    try:
        return {life.sources: life for life in lives.lives(db, dt.timedelta(days=1))}
    finally:
        db.close()


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ([(0, SEEN), (5, SEEN), (9, GONE), (10, GONE)], (0, 5, 9)),
        ([(0, SEEN), (5, SEEN), (9, GONE), (9.5, GONE)], (0, 5, None)),  # too close together: not confirmed
        ([(0, SEEN), (9, GONE)], (0, 0, None)),
        ([(0, SEEN), (3, GONE), (5, GONE), (7, SEEN)], (0, 7, None)),  # it came back
        ([(0, SEEN), (3, GONE), (3.5, HIDDEN), (4.2, GONE)], (0, 0, None)),
        ([(0, SEEN), (3, ("unreachable", "timeout")), (4, ("absent", "not-archived"))], (0, 0, None)),
        ([(0, SEEN), (3, ("absent", "not-found")), (4, ("absent", "not-found"))], (0, 0, 3)),
        ([(1, GONE), (3, GONE)], (None, None, 1)),
    ],
)
def test_only_what_was_found_twice_counts_as_lost(
    tmp_path: Path, looks: list[tuple[float, tuple[str, str]]], seen: tuple[float | None, float | None, float | None]
) -> None:
    (found,) = known(archive(tmp_path / "a.db", {"20": looks})).values()
    assert (found.first_seen, found.last_seen, found.missing) == tuple(None if day is None else at(day) for day in seen)


@pytest.mark.parametrize("looks", [[(0, GONE)], [(0, ("unreachable", "timeout"))], [(0, HIDDEN)]])
def test_what_says_nothing_is_left_out(tmp_path: Path, looks: list[tuple[float, tuple[str, str]]]) -> None:
    assert known(archive(tmp_path / "a.db", {"20": looks})) == {}


@pytest.mark.parametrize("rank", [Rank.THIRD_PARTY, Rank.ARCHIVE])
def test_only_the_platform_itself_is_a_witness(tmp_path: Path, rank: Rank) -> None:
    assert known(archive(tmp_path / "a.db", {"20": [(0, SEEN), (1, GONE), (3, GONE)]}, rank)) == {}


STORIES = {
    "20": [(0.0, SEEN), (40.0, SEEN)],
    "21": [(0.0, SEEN), (1.0, SEEN), (9.0, GONE), (11.0, GONE)],
    "22": [(0.0, SEEN), (40.0, SEEN)],
    "23": [(0.0, SEEN), (40.0, SEEN)],
    "24": [(0.0, GONE), (2.0, GONE)],
}


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return archive(tmp_path / "archive.db", STORIES)


def test_the_table_the_csv_and_the_json_say_the_same(told: Path, archiver: Run) -> None:
    text = archiver("report").stdout
    assert "all posts: 4 seen, 1 lost since, 1 gone before the first look (20.0 %)" in text
    assert "twitter (platform)" in text
    assert "desk (source): 2 seen, 1 lost since" in text
    assert "(by hand) (source): 2 seen, 0 lost since, 1 gone before" in text
    assert "75.0 % to 100.0 %" in text
    rows = list(csv.DictReader(io.StringIO(archiver("report", "--csv").stdout)))
    week = next(row for row in rows if row["by"] == "all" and row["age_seconds"] == str(7 * DAY))
    assert (week["survival_least"], week["survival_most"], week["at_risk"]) == ("0.750000", "1.000000", "4")
    assert next(row for row in rows if row["age_seconds"] == str(730 * DAY))["survival_most"] == ""
    said = json.loads(archiver("report", "--json").stdout)
    everything = said["survival"][0]
    row = next(each for each in everything["rows"] if each["age"] == 30 * DAY)
    assert (everything["gone_before"], row["least"], row["lost"]) == (1, 0.75, 1)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_curves_are_drawn(told: Path, archiver: Run, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    archiver("report", "--plot", f"out.{suffix}")
    drawn = (tmp_path / f"out.{suffix}").read_bytes()
    if suffix == "png":
        assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", drawn[16:24])
        assert width > 400 and height > 300
    else:
        root = ElementTree.fromstring(drawn)
        assert root.tag.endswith("svg")
        assert len(drawn) > 5000


def test_a_plot_that_cannot_be_made_says_what_to_do(told: Path, archiver: Run, tmp_path: Path) -> None:
    assert "end the name in .png or .svg" in archiver("report", "--plot", "out.gif", expect=2).stderr
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "matplotlib.py").write_text("raise ImportError('no matplotlib here')\n")
    path = f"{tmp_path / 'absent'}:{Path(__file__).parents[1]}"
    done = archiver("report", "--plot", "out.png", expect=2, PYTHONPATH=path)
    assert "pip install 'archiver[plot]'" in done.stderr


def test_an_empty_archive_has_a_report(archiver: Run) -> None:
    archiver("run", "--once")
    text = archiver("report").stdout
    assert "all posts: 0 seen, 0 lost since" in text
    assert "run --once: no embeds" in text
    archiver("report", "--plot", "empty.svg")


def test_a_post_that_vanishes_is_seen_to_vanish(world: World, home: Path, archiver: Run) -> None:
    """Through the whole path: seen, missing once, looked at again because it was missing, concluded."""
    config = home / "config.toml"
    config.write_text(config.read_text() + '\n[recheck]\nafter = ["1s", "1s", "300d"]\ngone_after = "1s"\n')
    post = world.post("lamplighter", "The lamp was lit.", dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC))
    (home / "a.txt").write_text(f"https://x.com/lamplighter/status/{post.id}\n")
    archiver("run", "--once", "a.txt")
    world.delete(post, at=world.clock.now)
    for _ in range(30):
        time.sleep(0.3)
        archiver("run", "--once")
        everything = json.loads(archiver("report", "--json").stdout)["survival"][0]
        if everything["lost"]:
            break
    assert (everything["seen"], everything["lost"], everything["gone_before"]) == (1, 1, 0)
