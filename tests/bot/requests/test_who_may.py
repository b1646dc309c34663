"""Who may do what to a request, in which state it is: the table of all acts, as every surface offers them.

Each state is come to by what people do; each cell is what `offers` finds for its person, who looks at the console.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agents.events import PersonSaid
from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import after
from bot.people.offers import offers
from bot.policy.judgements import ClosedOtherwise
from bot.policy.offers import Can
from bot.store import Commit
from bot.store.journal import record_write
from tests.bot.requests.walks import Act, Place
from tests.kit.house import House
from tests.kit.office import settings_of

# Anna asks and Ivy writes to the run. Fay is asked once it escalates, Gil may break the glass, Hal may stand in.
PEOPLE = ("anna", "ivy", "bo", "cy", "dan", "eve", "fay", "gil", "hal", "kim", "ole", "zed")
TOML = (
    "".join(f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\n' for name in PEOPLE)
    + """
[roles]
operator = ["person:ole"]

[alerts]
to = ["person:ole"]

[policies.walk]
expires_after = "2h"
break_glass = ["person:gil"]
stand_ins = ["person:hal"]

[[policies.walk.steps]]
name = "first"
approvers = ["person:bo", "person:cy", "person:kim"]
escalate_after = "10m"
escalate_to = ["person:fay"]

[[policies.walk.steps]]
name = "then"
approvers = ["person:dan", "person:eve"]
"""
)
BOTH = (Act("approve", "bo"), Act("approve", "dan"))
STATES: Mapping[str, tuple[Act, ...]] = {
    "open": (),
    "in_step_2": (Act("approve", "bo"),),
    "escalated": (Act("wait", words="601"), Act("look")),
    "handed_on": (Act("hand_on", "bo", to="hal"),),
    "edited": (Act("edit", "cy", to="v2"),),
    "frozen": (Act("freeze"),),
    "approved": BOTH,
    "by_glass": (Act("glass", "gil", words="checkout is down"),),
    "begun": (*BOTH, Act("start")),
    "denied": (Act("deny", "cy"),),
    "revoked": (*BOTH, Act("deny", "bo")),
    "withdrawn": (Act("withdraw"),),
    "late": (Act("wait", words="7200"),),
    "expired": (Act("wait", words="7200"), Act("look")),
}
LETTERS: Mapping[str, Callable[[Can], bool]] = {
    "y": lambda can: "approve" in can,
    "n": lambda can: can.becomes("deny") == "denied",
    "t": lambda can: can.becomes("deny") == "withdrawn",
    "s": lambda can: can.becomes("deny") == "revoked",
    "w": lambda can: "withdraw" in can,
    "a": lambda can: "ask" in can,
    "e": lambda can: "edit" in can,
    "h": lambda can: "hand_on" in can,
    "g": lambda can: "break_glass" in can,
}
"""Says yes or no, takes it back or stops what was approved by a no, withdraws it, asks back, edits, hands it on, breaks
the glass.
"""

TABLE = """
             anna  ivy   bo    cy    dan   eve   fay   gil   hal   kim   ole   zed
open         twe   twe   ynaeh ynaeh .     .     .     g     .     .     .     .
in_step_2    twe   twe   na    na    ynaeh ynaeh .     g     .     .     .     .
escalated    twe   twe   ynaeh ynaeh .     .     ynaeh g     .     .     .     .
handed_on    twe   twe   na    ynaeh .     .     .     g     ynaeh .     .     .
edited       twe   twe   ynaeh nae   .     .     .     g     .     .     .     .
frozen       twe   twe   ynaeh ynaeh .     .     .     g     .     .     .     .
approved     sw    sw    s     s     s     s     .     .     .     .     .     .
by_glass     sw    sw    s     s     .     .     .     s     .     .     .     .
begun        .     .     .     .     .     .     .     .     .     .     .     .
denied       .     .     .     .     .     .     .     .     .     .     .     .
revoked      .     .     .     .     .     .     .     .     .     .     .     .
withdrawn    .     .     .     .     .     .     .     .     .     .     .     .
late         .     .     .     .     .     .     .     .     .     .     .     .
expired      .     .     .     .     .     .     .     .     .     .     .     .
"""
"""Who wrote to the run steers it as who asked. Of a later step people only look, Kim has left, and Ole is operator."""


def cell(can: Can) -> str:
    return "".join(letter for letter, may in LETTERS.items() if may(can)) or "."


async def played(house: House, acts: tuple[Act, ...]) -> list[str]:
    """Return what each may do after these acts, which Ivy's words and Kim's departure come before."""
    policy = house.settings.policies["walk"]
    place = await Place.opened(house, policy)
    record, version, now = await house.decisions.request(place.request.id)
    said = PersonSaid(at=now, said_id="m1", person=PersonId("ivy"), proof=as_by("cli"), text="and tell us")
    written = record_write(after(record, [said]), version)
    await house.journal.write(Commit(run_id=place.request.run_id, events=[said], records=[written]))
    for act in (Act("leaves", "kim"), *acts):
        await place.do(act)
    record, _, now = await house.decisions.request(place.request.id)
    return [cell(offers(record, house.people, PersonId(one), "console", now)) for one in PEOPLE]


async def test_what_is_taken_back_after_its_expiry_has_expired(redis: str, tmp_path: Path) -> None:
    house = House(redis, settings_of(tmp_path, TOML))
    try:
        place = await Place.opened(house, house.settings.policies["walk"])
        for act in (Act("wait", words="7200"), Act("withdraw"), Act("look")):
            await place.do(act)

        [withdrawal] = place.given
        stands = await place.record()
        assert (withdrawal.judgement, stands.state) == (ClosedOtherwise(state="expired"), "expired")
        assert stands.decision
        assert stands.decision.by == ()
    finally:
        await house.store.client.close()


def test_each_state_is_in_the_table_and_nobody_else_is() -> None:
    named, *rows = [line.split() for line in TABLE.strip().splitlines()]

    assert (named, [row[0] for row in rows]) == ([*PEOPLE], [*STATES])


@pytest.mark.parametrize("row", TABLE.strip().splitlines()[1:], ids=lambda row: row.split()[0])
async def test_everybody_may_do_what_the_table_says(redis: str, tmp_path: Path, row: str) -> None:
    state, *cells = row.split()
    house = House(redis, settings_of(tmp_path, TOML))
    try:
        assert dict(zip(PEOPLE, await played(house, STATES[state]), strict=True)) == dict(
            zip(PEOPLE, cells, strict=True)
        )
    finally:
        await house.store.client.close()
