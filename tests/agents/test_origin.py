"""How a run began: one of several in memory, three flat fields wherever an event or a request is written."""

import json
from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from agents.events import Event, RequestOpened, RunStarted, read_event, write_event
from agents.requests import FromDesk, FromPerson, FromTrigger, Origin, Outsider
from tests.agents.stories import SHORT_TEXT, any_event
from tests.agents.worlds import started

PUSHED = json.loads(write_event(started("deploy v1.2.0 to staging")))
BO = Outsider(login="bo-gh", did="pushed")
FLAT: list[tuple[Origin, dict[str, Any]]] = [
    (FromPerson(), {"trigger": "", "outsider": None, "desk": ""}),
    (FromPerson(logins=("bo-gh",)), {"trigger": "", "outsider": None, "desk": "", "logins": ["bo-gh"]}),
    (
        FromPerson(address="eve@shop.example"),
        {"trigger": "", "outsider": None, "desk": "", "address": "eve@shop.example"},
    ),
    (FromTrigger(name="tags"), {"trigger": "tags", "outsider": None, "desk": ""}),
    (FromTrigger(name="tags", outsider=BO), {"trigger": "tags", "outsider": BO.model_dump(), "desk": ""}),
    (
        FromTrigger(name="tags", logins=("bo-gh", "ci")),
        {"trigger": "tags", "outsider": None, "desk": "", "logins": ["bo-gh", "ci"]},
    ),
    (FromDesk(address="eve@shop.example"), {"trigger": "", "outsider": None, "desk": "eve@shop.example"}),
]


@pytest.mark.parametrize(("origin", "flat"), FLAT)
def test_each_origin_is_read_from_the_flat_fields_and_written_to_them(origin: Origin, flat: dict[str, Any]) -> None:
    started = RunStarted.model_validate(PUSHED | flat)

    assert started.origin == origin
    assert json.loads(write_event(started)) == PUSHED | ({} if origin == FromPerson() else flat)
    assert RunStarted.model_validate({**_without(PUSHED, *flat), "origin": origin}) == started


@given(any_event(SHORT_TEXT))
def test_any_event_reads_as_it_was_written_and_no_field_is_called_origin(event: Event) -> None:
    written = write_event(event)

    assert read_event(written) == event
    if isinstance(event, RunStarted | RequestOpened):
        told = json.loads(written)
        flat = told["request"] if isinstance(event, RequestOpened) else told
        is_default = (event.request if isinstance(event, RequestOpened) else event).origin == FromPerson()
        assert flat.keys() & (names := {"trigger", "outsider", "desk"}) == (set() if is_default else names)
        assert all(flat.get(name, "some") for name in ("logins", "address"))
        assert "origin" not in flat


@pytest.mark.parametrize(
    "wrong",
    [
        {"trigger": "tags", "outsider": None, "desk": "eve@shop.example"},
        {"trigger": "", "outsider": BO.model_dump(), "desk": ""},
        {"trigger": "", "outsider": BO.model_dump(), "desk": "eve@shop.example"},
        {"trigger": "", "outsider": None, "desk": "eve@shop.example", "logins": ["bo-gh"]},
        {"trigger": "", "outsider": None, "desk": "eve@shop.example", "address": "eve@shop.example"},
        {"trigger": "tags", "outsider": None, "desk": "", "address": "eve@shop.example"},
        {"trigger": 5},
        {"desk": None},
    ],
)
def test_fields_that_no_run_begins_with_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunStarted.model_validate(_without(PUSHED, "trigger", "outsider", "desk") | wrong)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_whoever_reads_the_schema_finds_the_flat_fields(mode: Any) -> None:
    shapes = TypeAdapter[Any](Event).json_schema(mode=mode)["$defs"]

    for name in ("RunStarted", "Request"):
        assert {"trigger", "outsider", "desk"} <= shapes[name]["properties"].keys()
        assert "origin" not in shapes[name]["properties"]


def _without(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}
