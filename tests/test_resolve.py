"""What tries add up to: nothing is guessed, and nothing is gone on one word."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Outcome, Rank, Reason, State
from archiver.platforms import platforms
from archiver.resolve import Try, judge, left_out, next_look, next_try

DAY = dt.timedelta(hours=24)
START = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def tried(
    outcome: Outcome,
    reason: Reason,
    *,
    source: str = "syndication",
    rank: Rank = Rank.FIRST_HAND,
    after: dt.timedelta = dt.timedelta(),
) -> Try:
    return Try(source, rank, outcome, reason, START + after)


DELETED = tried(Outcome.GONE, Reason.DELETED)
NO_ARCHIVE = tried(Outcome.ABSENT, Reason.NOT_ARCHIVED, source="wayback", rank=Rank.ARCHIVE)


def test_one_tombstone_is_not_proof() -> None:
    assert judge([DELETED, NO_ARCHIVE], False, [], DAY).state is State.PENDING
    assert judge([DELETED, NO_ARCHIVE], False, [], DAY).reason is Reason.RECHECK


def test_two_tombstones_a_day_apart_and_no_archive_are_gone() -> None:
    again = tried(Outcome.GONE, Reason.DELETED, after=DAY)
    found = judge([DELETED, NO_ARCHIVE, again], False, [], DAY)
    assert (found.state, found.reason) == (State.GONE, Reason.DELETED)


def test_two_endpoints_in_the_same_minute_are_one_observation() -> None:
    also = tried(Outcome.ABSENT, Reason.NOT_FOUND, source="oembed", after=dt.timedelta(seconds=20))
    assert judge([DELETED, also, NO_ARCHIVE], False, [], DAY).state is State.PENDING


def test_an_archive_that_did_not_answer_leaves_it_open() -> None:
    silent = tried(Outcome.UNREACHABLE, Reason.TIMEOUT, source="wayback", rank=Rank.ARCHIVE)
    again = tried(Outcome.GONE, Reason.DELETED, after=DAY)
    assert judge([DELETED, silent, again], False, [], DAY).state is State.PENDING


def test_an_archived_404_proves_nothing() -> None:
    archived = tried(Outcome.ABSENT, Reason.NOT_FOUND, source="wayback", rank=Rank.ARCHIVE)
    later = tried(Outcome.ABSENT, Reason.NOT_FOUND, source="wayback", rank=Rank.ARCHIVE, after=3 * DAY)
    assert judge([archived, later], False, [], DAY).state is State.PENDING


def test_what_is_archived_stays_archived_when_the_platform_drops_it() -> None:
    found = tried(Outcome.FOUND, Reason.OK)
    gone = tried(Outcome.GONE, Reason.DELETED, after=2 * DAY)
    verdict = judge([found, gone], True, [Reason.OK], DAY)
    assert verdict.state is State.ARCHIVED
    assert verdict.live is not None
    assert verdict.live[:2] == (Outcome.GONE, Reason.DELETED)


def test_missing_media_make_it_partial() -> None:
    found = judge([tried(Outcome.FOUND, Reason.OK)], True, [Reason.OK, Reason.NOT_FOUND], DAY)
    assert (found.state, found.reason) == (State.PARTIAL, Reason.MEDIA_MISSING)


def test_hidden_says_why() -> None:
    found = judge([tried(Outcome.HIDDEN, Reason.PROTECTED), NO_ARCHIVE], False, [], DAY)
    assert (found.state, found.reason) == (State.HIDDEN, Reason.PROTECTED)


@given(
    st.lists(
        st.tuples(st.sampled_from(Outcome), st.sampled_from(Reason), st.sampled_from(Rank), st.integers(0, 23)),
        max_size=8,
    )
)
def test_nothing_is_gone_within_a_day(tries: list[tuple[Outcome, Reason, Rank, int]]) -> None:
    ordered = sorted(tries, key=lambda each: each[3])
    made = [
        tried(outcome, reason, source=f"{rank}{number % 3}", rank=rank, after=dt.timedelta(hours=hours))
        for number, (outcome, reason, rank, hours) in enumerate(ordered)
    ]
    assert judge(made, False, [], DAY).state is not State.GONE


def test_waits_grow_and_then_stay() -> None:
    retry = (dt.timedelta(minutes=5), dt.timedelta(hours=1))
    waits = [next_try(Reason.TIMEOUT, tries, DAY, retry) for tries in range(4)]
    assert waits == [retry[0], retry[1], retry[1], retry[1]]
    assert next_try(Reason.RECHECK, 0, DAY, retry) == DAY


def test_the_hosts_of_sources_left_out_are_barred_unless_another_source_shares_them() -> None:
    twitter = platforms()["twitter"]
    assert left_out(twitter, None) == frozenset()
    barred = left_out(twitter, ["syndication", "wayback"])
    assert "api.fxtwitter.com" in barred and "publish.twitter.com" in barred
    assert not barred & {"cdn.syndication.twimg.com", "web.archive.org"}


def test_a_post_is_looked_at_again_at_ages_that_grow() -> None:
    """After the list they double, at most a year apart; what was missed while nothing ran is not made up for."""
    first = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    after = tuple(dt.timedelta(hours=hours) for hours in (1, 24, 168, 720))
    at, hours = first, []
    for _ in range(10):
        found = next_look(first, at, after)
        assert found is not None
        at = found
        hours.append((at - first) // dt.timedelta(hours=1))
    year = 365 * 24
    assert hours == [1, 24, 168, 720, 1440, 2880, 5760, 11520, 11520 + year, 11520 + 2 * year]
    late = next_look(first, first + dt.timedelta(days=10), after)
    assert late == first + dt.timedelta(days=30), "one look, not the three that were missed"
    assert next_look(first, first, ()) is None
