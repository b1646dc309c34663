"""What people have approved becomes a standing approval: for whoever asked for it, by others, who were all asked."""

from datetime import timedelta

import pytest

from agents import ToolRefused
from agents.requests import PersonId, RunId, StandingUse
from agents.run import fold
from agents.standing import AllowAgainArgs
from bot.config.directory.policies import StandingLimit
from bot.people.directory import People
from bot.policy.standing import rules_of
from bot.requests.standing.granting import StandingGrants
from bot.requests.standing.kept import KeptStandings
from bot.store import Store
from bot.testing.events import ANNA, BO, NOON, chosen, decided, opened, started
from tests.bot.examples import PEOPLE
from tests.bot.requests.standing.test_kept import PATTERN
from tests.bot.store.stores import RUN

_ALLOWED = PEOPLE.tables.policies["production"].model_copy(update={"standing": StandingLimit(uses=2, within_s=3600)})
_PEOPLE = People(PEOPLE.tables.people, {"p": _ALLOWED})


@pytest.mark.parametrize(
    ("person", "decision"),
    [
        (BO, {}),
        ("cy", {}),
        (ANNA, {"by": (ANNA,)}),
        (ANNA, {"broke_glass": True}),
        (ANNA, {"standing": StandingUse(id="s0g-aaaaaaaaaaaaa", number=1, of=2)}),
    ],
)
async def test_nobody_grants_one_to_themselves_or_others_nor_by_what_spares_the_asking(
    store: Store, person: str, decision: dict[str, object]
) -> None:
    grants, kept = StandingGrants(store, _PEOPLE), KeptStandings(store)
    by_bo = decided("approved")
    otherwise = by_bo.model_copy(update={"decision": by_bo.decision.model_copy(update=decision)})
    begun = [started(run_id=RUN), chosen(gate="production"), opened()]
    pattern = PATTERN.model_copy(update={"rules": rules_of(_ALLOWED)})
    wanted = AllowAgainArgs(
        title="Press?", run=RunId(RUN), person=PersonId(person), uses=2, until=NOON + timedelta(days=1), pattern=pattern
    )

    with pytest.raises(ToolRefused):
        await grants.grant(wanted, fold([*begun, otherwise]))
    assert await kept.of_person(wanted.person) == []

    own = wanted.model_copy(update={"person": PersonId(ANNA)})
    assert await grants.grant(own, fold([*begun, by_bo])) == kept.id_for(RUN)
