"""What somebody is offered on a card: nothing that would not count of them."""

import pytest

from agents.requests import PersonId
from bot.people.offers import offers
from tests.agents.worlds import NOON
from tests.bot.examples import ANNA, PEOPLE, approval, record

EVE = PersonId("eve")


@pytest.mark.parametrize(("asker", "has_left"), [(ANNA, False), (EVE, True)])
def test_whoever_has_left_is_offered_nothing_of_what_they_asked(asker: PersonId, *, has_left: bool) -> None:
    asked = record(approval(requesters=(asker,)))

    assert (not offers(asked, PEOPLE, asker, "slack", NOON).acts) is has_left
