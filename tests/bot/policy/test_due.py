"""What is due for a request and when: a pure function of its record, the time, and everybody's zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from agents.events import Event, RequestReassigned, RequestReminded
from agents.requests import Holder, PersonId, PolicyStep, Urgency
from agents.requests.moves import StepBegan
from agents.requests.record import RequestRecord, after
from bot.policy.approvers.steps import escalated
from bot.policy.due import Due, after_quiet_hours, is_quiet, next_due
from tests.bot.examples import ANNA, BO, CY, DAN, NOON, anyone, approval, decision, policy, record, vote

ZONES = {ANNA: "Europe/Berlin", BO: "Europe/Berlin", CY: "America/New_York", DAN: "Asia/Kolkata"}
# Clocks there go forward and back, by an hour and by half of one; at midnight; and never.
PLACES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Asia/Kolkata",
)  # fmt: skip
NIGHT = "22:00-07:00"

times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 1, 15, 30, 59)))
hours = st.tuples(times, times).filter(lambda both: both[0] != both[1]).map("-".join)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
# Around the nights in which clocks change.
DAYS = [(3, 8), (3, 29), (4, 5), (4, 24), (9, 6), (10, 25), (11, 1)]


@st.composite
def changes(draw: st.DrawFn) -> datetime:
    """A moment around one of the nights in which clocks change."""
    month, day = draw(st.sampled_from(DAYS))
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(minutes=draw(st.integers(-600, 1800)))


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def asked(opened_at: datetime = NOON, **changes: Any) -> RequestRecord:
    settled: dict[str, Any] = {"remind_after_s": (1800.0, 7200.0), "expires_after_s": 4 * 3600.0} | changes
    request = approval(policy=policy(**settled))
    expires_at = opened_at + timedelta(seconds=settled["expires_after_s"])
    return record(request.model_copy(update={"opened_at": opened_at, "expires_at": expires_at}))


def done(found: RequestRecord, due: Due, moment: datetime) -> RequestRecord:
    """What is done when it is due, as the run's events say it."""
    request = found.request
    event: Event = RequestReminded(at=moment, request_id=request.id, number=due.number, people=due.people)
    if due.kind == "escalation":
        wider = escalated(found.asked, (DAN,))
        holders = (Holder.model_validate({"delivery_id": "d-dan", "person": DAN}),)
        event = RequestReassigned(
            at=moment, request_id=request.id, why="escalated", moves=(wider,), to=(DAN,), holders=holders
        )
    return after(found, [event])


def course(found: RequestRecord, zones: dict[PersonId, str] = ZONES, late_s: int = 0) -> Iterator[tuple[datetime, Due]]:
    """All that comes when nobody answers and each thing is done `late_s` after it is due: when, and what."""
    moment = found.request.opened_at
    for _ in range(1000):
        if (due := next_due(found, zones, moment)) is None:
            return
        if due.moment > moment:
            moment = due.moment + timedelta(seconds=late_s)
            continue
        yield moment, due
        if due.kind == "expiry":
            return
        found = done(found, due, moment)
    raise AssertionError("there is no end of what comes")


def told(found: RequestRecord, late_s: int = 0) -> list[tuple[str, int, tuple[PersonId, ...], datetime]]:
    return [(due.kind, due.number, due.people, moment) for moment, due in course(found, late_s=late_s)]


def test_whoever_has_not_answered_is_reminded_as_the_policy_says_and_then_it_expires() -> None:
    assert told(asked()) == [
        ("reminder", 1, (BO, CY), at(12, 30)),
        ("reminder", 2, (BO, CY), at(14)),
        ("expiry", 0, (), at(16)),
    ]


def test_whoever_has_voted_is_reminded_no_more() -> None:
    found = asked(quorum=2).model_copy(update={"votes": (vote(BO),)})

    assert [due.people for _, due in course(found) if due.kind == "reminder"] == [(CY,), (CY,)]


def test_nothing_is_due_after_a_decision() -> None:
    for state in ("approved", "denied", "expired", "withdrawn", "superseded", "revoked"):
        decided = asked().model_copy(update={"state": state, "decision": decision()})

        assert (next_due(decided, ZONES), next_due(decided, ZONES, at(23, 59, day=30))) == (None, None), state


def test_a_reminder_in_somebodys_quiet_hours_comes_at_their_end_and_to_the_others_at_once() -> None:
    late = asked(at(21, 45), quiet_hours=NIGHT, expires_after_s=86400.0)

    assert told(late)[:3] == [
        ("reminder", 1, (CY,), at(22, 15)),
        ("reminder", 2, (CY,), at(23, 45)),
        ("reminder", 2, (BO,), at(6, day=3)),  # seven o'clock in Berlin
    ]


def test_high_urgency_and_escalation_know_no_quiet_hours() -> None:
    night = {
        "quiet_hours": NIGHT,
        "expires_after_s": 86400.0,
        "escalate_after_s": 600.0,
        "escalate_to": (anyone("dan"),),
    }

    assert told(asked(at(21, 45), urgency="high", **night))[:3] == [
        ("escalation", 0, (), at(21, 55)),
        ("reminder", 1, (BO, CY, DAN), at(22, 15)),
        ("reminder", 2, (BO, CY, DAN), at(23, 45)),
    ]
    assert told(asked(at(21, 45), **night))[0] == ("escalation", 0, (), at(21, 55))


def test_whom_it_escalates_to_is_reminded_only_of_what_comes_after() -> None:
    found = asked(escalate_after_s=3600.0, escalate_to=(anyone("dan"),))

    assert told(found) == [
        ("reminder", 1, (BO, CY), at(12, 30)),
        ("escalation", 0, (), at(13)),
        ("reminder", 2, (BO, CY, DAN), at(14)),
        ("expiry", 0, (), at(16)),
    ]


def test_a_step_reminds_and_escalates_as_the_first_one_did_from_the_moment_at_which_it_begins() -> None:
    each: dict[str, Any] = {"escalate_after_s": 3600.0, "escalate_to": (anyone("dan"),)}
    steps = PolicyStep(name="a", rule=anyone("bo"), **each), PolicyStep(name="b", rule=anyone("cy", "dan"), **each)
    found = asked(rule=steps[0].rule, steps=steps, expires_after_s=5 * 3600.0, **each)
    assert told(found)[:3] == [
        ("reminder", 1, (BO,), at(12, 30)),
        ("escalation", 0, (), at(13)),
        ("reminder", 2, (BO, DAN), at(14)),
    ]
    for _ in range(3):
        due = next_due(found, ZONES)
        assert due
        found = done(found, due, due.moment)

    second = (StepBegan(number=1, filled=(BO,)),)
    found = after(found, [RequestReassigned(at=at(14, 30), request_id=found.request.id, why="next_step", moves=second)])

    assert told(found) == [
        ("reminder", 1, (CY, DAN), at(15)),
        ("escalation", 0, (), at(15, 30)),
        ("reminder", 2, (CY, DAN), at(16, 30)),
        ("expiry", 0, (), at(17)),
    ]


def test_after_a_long_stop_one_reminder_stands_for_those_that_were_missed() -> None:
    assert told(asked(), late_s=7200) == [
        ("reminder", 2, (BO, CY), at(14, 30)),
        ("expiry", 0, (), at(18)),
    ]


def test_whoever_works_too_late_for_the_expiry_does_nothing_else() -> None:
    assert next_due(asked(escalate_after_s=60.0), ZONES, at(17)) == Due(at(17), "expiry")


def test_a_clock_that_is_moved_back_brings_nothing_twice() -> None:
    found = asked(escalate_after_s=3600.0, escalate_to=(anyone("dan"),))
    for _ in range(2):
        due = next_due(found, ZONES, at(13))
        assert due
        found = done(found, due, at(13))

    for earlier in (at(12), at(12, 30), at(13)):
        assert next_due(found, ZONES, earlier) == Due(at(14), "reminder", 2, (BO, CY, DAN))


@given(moment=moments | changes(), place=st.sampled_from(PLACES), quiet=hours)
def test_the_end_of_quiet_hours_is_never_within_them_and_less_than_a_day_away(
    moment: datetime, place: str, quiet: str
) -> None:
    zone = ZoneInfo(place)

    end = after_quiet_hours(moment, zone, quiet)

    assert not is_quiet(end, zone, quiet)
    assert moment <= end < moment + timedelta(hours=26)
    assert (end == moment) is not is_quiet(moment, zone, quiet)


@given(
    opened_at=moments | changes(),
    places=st.tuples(*[st.sampled_from(PLACES)] * 3),
    quiet=hours,
    urgency=st.sampled_from(("low", "medium", "high")),
    remind=st.lists(st.integers(60, 200_000), max_size=4, unique=True),
    escalate=st.none() | st.integers(60, 200_000),
    expires=st.integers(3_600, 400_000),
    late_s=st.sampled_from((0, 0, 1, 1_000, 30_000)),
)
def test_the_course_of_any_request_is_in_order_ends_and_wakes_nobody(
    opened_at: datetime,
    places: tuple[str, str, str],
    quiet: str,
    urgency: Urgency,
    remind: list[int],
    escalate: int | None,
    expires: int,
    late_s: int,
) -> None:
    zones = dict(zip((BO, CY, DAN), places, strict=True))
    found = asked(
        opened_at,
        remind_after_s=tuple(map(float, sorted(remind))),
        escalate_after_s=escalate,
        escalate_to=(anyone("dan"),),
        quiet_hours=quiet,
        urgency=urgency,
        expires_after_s=float(expires),
    )

    steps = list(course(found, zones, late_s))

    assert [moment for moment, _ in steps] == sorted(moment for moment, _ in steps)
    assert [due.kind for _, due in steps].count("expiry") == 1
    assert steps[-1][1].kind == "expiry"
    assert [due.kind for _, due in steps].count("escalation") <= 1
    had = [(person, due.number) for _, due in steps for person in due.people]
    assert len(had) == len(set(had)) <= 3 * len(remind)
    for moment, due in steps[:-1]:
        assert opened_at < moment < found.request.expires_at
        for person in due.people:
            assert urgency == "high" or not is_quiet(moment, ZoneInfo(zones[person]), quiet)
