"""Files of runs: what is written reads back, and what was tampered with is refused, or allows nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.events import Event, OutsideReported
from agents.requests import Author, PersonId, RunId
from bot.runs.export import PEOPLE_AT_MOST, Exported, export
from bot.store.format import FORMAT
from tests.agents.worlds import NOON, any_event, chosen, decided, opened, said, started, tool_started, vote

RUN = RunId("s0r-aaaaaaaaaaaaa")
STORY: tuple[Event, ...] = (started(), chosen(gate="production"), opened(), vote(), decided("approved"), tool_started())


def written(events: tuple[Event, ...] = STORY) -> dict[str, Any]:
    return json.loads(export(RUN, events, "release", NOON).model_dump_json())


def read(file: dict[str, Any]) -> Exported:
    return Exported.model_validate_json(json.dumps(file))


@given(st.lists(any_event(st.text(max_size=20)), max_size=20))
def test_what_is_exported_reads_back_as_it_was(events: list[Event]) -> None:
    story = (started(), *(event for event in events if event.type != "run_started"))

    found = Exported.model_validate_json(export(RUN, story, "release", NOON).model_dump_json())

    assert (found.events, found.run_id, found.release) == (story, RUN, "release")


def changed(place: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Puts `value` at `events.0.text`, say."""

    def change(file: dict[str, Any]) -> None:
        *path, last = [int(part) if part.isdecimal() else part for part in place.split(".")]
        inner: Any = file
        for part in path:
            inner = inner[part]
        inner[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            changed("version", FORMAT - 1),
            f"of format {FORMAT - 1}, and this release of sayso reads format {FORMAT}",
        ),
        (changed("run_id", "../../etc"), "run_id: String should match pattern"),
        (changed("events", []), "events: Tuple should have at least 1 item"),
        (changed("events.0.text", 7), "events.0.run_started.text: Input should be a valid string"),
        (changed("events.1.type", "approved_by_all"), "events.1: "),
        (changed("events.2.request.secret", 1), "events.2.request_opened.request.secret: Extra inputs"),
        (changed("events.1.step.arguments", {"n": float("nan")}), "event 2: it holds numbers that JSON has not"),
        (changed("events.0.text", "x" * 1_000_001), "event 1: it has 100"),
        (changed("events.1", written()["events"][0]), "event 2 is run_started; a run begins with run_started, once"),
        (changed("events.0", written()["events"][1]), "event 1 is step_chosen; a run begins with run_started, once"),
    ],
)
def test_a_file_that_is_no_run_is_refused_with_the_place(change: Callable[[dict[str, Any]], None], said: str) -> None:
    file = written()
    change(file)

    with pytest.raises(ValidationError) as refused:
        read(file)

    found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refused.value.errors()]
    assert said in "; ".join(found)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"null", b'{"events": [', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_file_of_ours_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        Exported.model_validate_json(body)


def test_attack_of_a_file_full_of_what_is_no_event_only_the_first_is_told() -> None:
    with pytest.raises(ValidationError) as refused:
        read({**written(), "events": [{}] * 100_000})

    assert refused.value.error_count() < 10


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists), st.data())
def test_whatever_stands_in_a_file_it_is_read_or_refused(value: object, data: st.DataObject) -> None:
    file = written()
    event = data.draw(st.sampled_from(file["events"]))
    event[data.draw(st.sampled_from(sorted(event)))] = value

    try:
        found = read(file)
    except ValidationError:
        return
    assert len(found.events) == len(STORY)


def forged(people: int) -> tuple[PersonId, ...]:
    return tuple(PersonId(f"forged {number}") for number in range(people))


def each_wrote(people: tuple[PersonId, ...]) -> tuple[Event, ...]:
    return tuple(said(person) for person in people)


def one_report_says_so(people: tuple[PersonId, ...]) -> tuple[Event, ...]:
    return (
        OutsideReported(
            at=NOON, report_id="r", handle="h", by=tuple(Author(person=one, part="wrote") for one in people)
        ),
    )


@pytest.mark.parametrize("told_by", [each_wrote, one_report_says_so])
def test_a_file_in_which_more_people_have_a_part_than_may_is_refused(
    told_by: Callable[[tuple[PersonId, ...]], tuple[Event, ...]],
) -> None:
    few, many = ((started(), *told_by(forged(count))) for count in (PEOPLE_AT_MOST - 1, PEOPLE_AT_MOST))

    assert len(read(written(few)).events) == len(few)
    with pytest.raises(ValidationError, match=f"more than {PEOPLE_AT_MOST} people have a part in it"):
        read(written(many))


@pytest.mark.parametrize("value", ["[" * 50_000, "9" * 5_000])
def test_what_is_nested_without_end_or_a_number_that_is_far_too_long_is_refused(value: str) -> None:
    body = json.dumps(written()).replace('"arguments": {', f'"arguments": {{"n": {value}, ', 1)

    with pytest.raises(ValidationError):
        Exported.model_validate_json(body)
