"""The last look before a gated tool executes."""

from datetime import timedelta

import pytest

from agents.requests import RequestState
from bot.policy.record import good_until, why_not
from tests.bot.examples import ANNA, BO, CY, DIGEST, LATER, approval, decision, policy, record
from tests.guards import guards

HERE = (ANNA, BO, CY)
APPROVED = record(state="approved")


def test_a_fresh_approval_covers_exactly_what_was_approved() -> None:
    assert why_not(APPROVED, DIGEST, HERE, LATER) is None


@guards("recheck:approved")
@pytest.mark.parametrize("state", ["open", "denied", "expired", "withdrawn", "superseded", "revoked"])
def test_what_is_not_approved_is_not_executed(state: RequestState) -> None:
    assert why_not(record(state=state), DIGEST, HERE, LATER) == "it is not approved"


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
    assert why_not(APPROVED, DIGEST, (ANNA, CY), LATER) == "somebody whose approval counted has left the directory"


def test_enough_voters_who_are_still_there_are_enough() -> None:
    both = record(state="approved", decision=decision(by=(BO, CY)))
    pair = both.model_copy(update={"request": approval(policy=policy(quorum=2))})

    assert why_not(both, DIGEST, (ANNA, BO), LATER) is None
    assert why_not(pair, DIGEST, (ANNA, BO), LATER) is not None


@pytest.mark.parametrize("state", ["open", "denied", "expired", "withdrawn", "superseded", "revoked"])
def test_what_is_not_approved_is_good_until_never(state: RequestState) -> None:
    assert good_until(record(state=state)) is None
