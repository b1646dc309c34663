"""A request's record is what its run's events say of it."""

from agents.events import Event
from agents.requests import PersonId
from bot.policy.record import RequestRecord, records
from tests.agents.worlds import ANNA, BO, chosen, decided, opened, said, started

CY = PersonId("cy")


def record(*events: Event) -> RequestRecord:
    [found] = records([started(), chosen(), *events]).values()
    return found


def test_whoever_writes_while_it_is_open_joins_its_requesters_once() -> None:
    found = record(opened(), said(BO), said(ANNA), said(BO))

    assert found.joined == (BO,)
    assert found.requesters == (ANNA, BO)


def test_whoever_wrote_before_or_after_joins_nothing() -> None:
    assert record(said(BO), opened(), decided("approved"), said(CY)).joined == ()
