"""The last look before a gated tool executes."""

from datetime import timedelta

import pytest

from agents.events import AnswerNoted
from agents.requests import RequestState
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord, after
from bot.policy.recheck import good_until, why_not
from tests.bot.examples import ANNA, BO, CY, DIGEST, LATER, SEEN, decision, moved, record
from tests.kit.guards import guards

HERE = (ANNA, BO, CY)
APPROVED = record(state="approved")


def test_a_fresh_approval_covers_exactly_what_was_approved() -> None:
    assert why_not(APPROVED, DIGEST, HERE, LATER) is None


@guards("recheck:approved")
@pytest.mark.parametrize("state", ["open", "denied", "expired", "withdrawn", "superseded", "revoked"])
def test_what_is_not_approved_is_not_executed_and_good_until_never(state: RequestState) -> None:
    assert why_not(record(state=state), DIGEST, HERE, LATER) == "it is not approved"
    assert good_until(record(state=state)) is None


@guards("recheck:stopped")
def test_what_somebody_denied_once_it_was_started_is_not_executed() -> None:
    """It may have begun, by a key that makes it harmless to begin again: people are asked."""
    begun = record(state="approved", started_at=LATER)

    stopped = after(begun, [late_denial("wait"), late_denial("really")])

    assert why_not(begun, DIGEST, HERE, LATER) is None
    assert why_not(stopped, DIGEST, HERE, LATER) == "somebody denied it after it was started"
    assert stopped.stopped
    assert (stopped.stopped.person, stopped.stopped.approve, stopped.stopped.reason) == (CY, False, "wait")
    assert RequestRecord.model_validate_json(begun.model_dump_json()).stopped is None


def late_denial(text: str) -> AnswerNoted:
    return AnswerNoted(
        at=LATER,
        request_id=APPROVED.request.id,
        reply_id=text,
        person=CY,
        binding=SEEN,
        proof=as_by("email"),
        text=text,
        outcome="too_late",
    )


@guards("recheck:digest")
def test_another_effect_is_not_executed() -> None:
    assert why_not(APPROVED, "e" * 64, HERE, LATER) == "what would be executed is no longer what was approved"


@guards("recheck:execute_within")
def test_an_old_approval_is_not_executed_and_it_is_old_from_that_moment_on() -> None:
    end = LATER + timedelta(minutes=15)

    assert good_until(APPROVED) == end
    assert why_not(APPROVED, DIGEST, HERE, end - timedelta(milliseconds=1)) is None
    assert why_not(APPROVED, DIGEST, HERE, end) == "the approval is older than 900 s"


@guards("recheck:voters")
def test_an_approval_by_somebody_who_has_left_is_not_executed() -> None:
    gone = (
        "somebody whose approval counted has left the directory, has another address there, or may be somebody else"
        " who took part"
    )

    assert why_not(APPROVED, DIGEST, (ANNA, CY), LATER) == gone


def test_enough_voters_who_are_still_there_are_enough() -> None:
    both = record(state="approved", decision=decision(by=(BO, CY)))
    pair = both.model_copy(update={"asked": moved(quorum=2)})

    assert why_not(both, DIGEST, (ANNA, BO), LATER) is None
    assert why_not(pair, DIGEST, (ANNA, BO), LATER) is not None
