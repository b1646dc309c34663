"""Who is on call: turns of a rotation on the clocks of its zone, and overrides."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.directory.oncall import OncallTable
from bot.policy.approvers.oncall import duty, next_duty, on_call

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kolkata", "UTC")


def ops(**changes: object) -> OncallTable:
    """The rotation of docs/who-may-approve.md."""
    override = {"person": "person:dee", "from": "2026-11-05T09:00", "until": "2026-11-06T09:00"}
    table = {
        "rotation": ["person:cy", "person:dee"],
        "shift": "7d",
        "starts": "2026-11-02T09:00",
        "timezone": "Europe/Berlin",
        "overrides": [override],
    }
    return OncallTable.model_validate(table | changes)


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-11-02T08:59", None),
        ("2026-11-02T09:00", "cy"),
        ("2026-11-05T08:59", "cy"),
        ("2026-11-05T09:00", "dee"),
        ("2026-11-06T08:59", "dee"),
        ("2026-11-06T09:00", "cy"),
        ("2026-11-09T08:59", "cy"),
        ("2026-11-09T09:00", "dee"),
        ("2026-11-16T09:00", "cy"),
    ],
)
def test_people_take_turns_and_take_over(at: str, person: str | None) -> None:
    assert on_call(ops(), datetime.fromisoformat(at).replace(tzinfo=BERLIN)) == person


def test_an_override_may_stand_before_the_rotation_begins() -> None:
    early = {"person": "person:eve", "from": "2026-10-01T09:00", "until": "2026-10-02T09:00"}

    found = duty(ops(overrides=[early]), datetime(2026, 10, 1, 12, tzinfo=BERLIN))

    assert found is not None
    assert (found.person, found.starts) == ("eve", datetime(2026, 10, 1, 9, tzinfo=BERLIN))
    assert found.until == datetime(2026, 10, 2, 9, tzinfo=BERLIN)


def test_who_is_next_is_the_next_other_person() -> None:
    monday, thursday = datetime(2026, 11, 3, 9, tzinfo=BERLIN), datetime(2026, 11, 5, 9, tzinfo=BERLIN)

    now, then, after = duty(ops(), monday), next_duty(ops(), monday), next_duty(ops(), thursday)

    assert now is not None
    assert then is not None
    assert after is not None
    assert (now.person, now.until) == ("cy", thursday)
    assert (then.person, then.starts) == ("dee", thursday)
    assert (after.person, after.starts) == ("cy", datetime(2026, 11, 6, 9, tzinfo=BERLIN))


def test_before_it_begins_the_first_in_turn_is_next() -> None:
    then = next_duty(ops(), datetime(2026, 10, 1, tzinfo=UTC))

    assert then is not None
    assert (then.person, then.starts) == ("cy", datetime(2026, 11, 2, 9, tzinfo=BERLIN))


def test_nobody_is_next_where_one_person_is_always_on_call() -> None:
    alone = ops(rotation=["person:cy"], overrides=[])

    assert next_duty(alone, datetime(2026, 12, 1, tzinfo=UTC)) is None


walls = st.integers(0, 4 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(0, 60 * minutes)
)
moments = st.integers(0, 3 * 366 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(0, s))
shifts = st.sampled_from(["1h", "90m", "8h", "12h", "24h", "36h", "1d", "2d", "7d", "14d"])


@st.composite
def rotations(draw: st.DrawFn) -> OncallTable:
    people = draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=5))
    borders = sorted(draw(st.sets(walls, max_size=6)))
    pairs = zip(borders[::2], borders[1::2], strict=False)
    overrides = [
        {"person": "person:over", "from": f"{one:%Y-%m-%dT%H:%M}", "until": f"{other:%Y-%m-%dT%H:%M}"}
        for one, other in pairs
    ]
    return OncallTable.model_validate(
        {
            "rotation": [f"person:{one}" for one in people],
            "shift": draw(shifts),
            "starts": f"{draw(walls):%Y-%m-%dT%H:%M}",
            "timezone": draw(st.sampled_from(ZONES)),
            "overrides": overrides,
        }
    )


@given(rotations(), moments)
def test_once_it_has_begun_somebody_is_on_call_without_a_gap_and_without_an_overlap(
    table: OncallTable, at: datetime
) -> None:
    if at < table.starts.replace(tzinfo=ZoneInfo(table.timezone)).astimezone(UTC):
        return
    now = duty(table, at)
    assert now is not None
    assert now.starts <= at < now.until
    last, then = duty(table, now.until - timedelta(microseconds=1)), duty(table, now.until)
    assert last == now
    assert then is not None
    assert then.starts == now.until


@given(rotations(), moments)
def test_who_is_next_is_somebody_else_and_comes_when_it_is_said(table: OncallTable, at: datetime) -> None:
    now, then = on_call(table, at), next_duty(table, at)
    if then is None:
        return
    assert then.person != now
    assert then.starts > at
    assert on_call(table, then.starts) == then.person


@given(
    starts=walls,
    days=st.integers(1, 14),
    turns=st.integers(1, 400),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_a_shift_of_whole_days_hands_over_at_the_same_local_time_all_year(
    starts: datetime, days: int, turns: int, zone: str
) -> None:
    table = OncallTable.model_validate(
        {
            "rotation": ["person:a", "person:b"],
            "shift": f"{days}d",
            "starts": f"{starts:%Y-%m-%dT%H:%M}",
            "timezone": zone,
        }
    )
    wall = starts + turns * timedelta(days=days)
    at = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    before, after = on_call(table, at - timedelta(microseconds=1)), on_call(table, at)

    assert after == "ab"[turns % 2]
    assert before == "ab"[(turns - 1) % 2]
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown == wall or shown - wall <= timedelta(hours=1)  # clocks that go forward skip a time
