"""Whom a run concerns: who asked for it or wrote to it, and whom it ever asked."""

from agents.events import RequestDecided
from agents.run import fold
from bot.policy.approvers.concern import concern_of, people_in
from tests.agents.worlds import NOON, said, started
from tests.bot.examples import ANNA, BO, CY, REQUEST, decision


def test_whoever_wrote_to_a_run_and_whoever_granted_what_it_used_are_concerned() -> None:
    by_cy = decision(by=(CY,)).model_copy(update={"standing": "s0g-aaaaaaaaaaaaa"})
    used = RequestDecided(at=NOON, request_id=REQUEST, decision=by_cy)

    found = concern_of(fold([started(), said(BO), used]))

    assert (found.requesters, found.approvers) == ({ANNA, BO}, {CY})


def test_whoever_holds_the_key_that_asked_is_concerned() -> None:
    by_key = started().model_copy(update={"holders": (CY,)})

    assert concern_of(fold([by_key])).requesters == people_in([by_key]) == {ANNA, CY}
