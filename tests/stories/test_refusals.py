"""Whoever is refused something stands in the audit log, wherever they asked; whom nobody knows does not."""

import secrets
from collections import Counter
from contextlib import suppress
from typing import Any

from agents.requests import PersonId
from agents.requests.proof import as_by
from bot.audit.reading import Query
from bot.errors import Forbidden
from bot.people.refusals import Refusals
from bot.people.rights import Action
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api
from tests.stories.people.standing import ALLOWED, done_once, granted
from tests.stories.test_typed_freezes import a_mail, again, ended_by, sent, write

OPERATOR = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
BOUND, BOUND_OF_WEAK = 100, 30
"""So many of one person in an hour are recorded, and so many of mails that prove too little."""


pytestmark = opens(OPERATOR)


async def refused(world: World, count: int) -> list[dict[str, Any]]:
    """The records of refusals, once all that happened is sealed; there are so many of them."""
    await world.quiet()

    async def found() -> tuple[list[dict[str, Any]]] | None:
        records, _ = await world.app.audit.search(Query(kind="refused"), limit=1_000)
        checked = await world.app.audit.verify(world.app.data_dir.audit_keys(world.app.settings))
        return ([*records],) if not checked.waiting and len(records) >= count else None

    sealed: tuple[list[dict[str, Any]]] = await until(found, what=f"{count} refusals are sealed")
    [records] = sealed
    assert len(records) == count
    return records


def brief(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["who"], record["channel"], record["detail"]["action"]


BY_A_SERVICE: tuple[tuple[str, dict[str, Any], Action], ...] = (
    ("requests/{request}/answer", {"vote": "deny"}, "answer"),
    ("requests/{request}/edit", {"args": {"it": "that"}, "digest": "{digest}"}, "answer"),
    ("requests/{request}/delegate", {"to": "cy"}, "answer"),
    ("requests/{request}/withdraw", {"reason": "do another thing"}, "withdraw"),
    ("runs", {"text": "stamp it", "requester": "bo"}, "trigger"),
    ("runs/{run}/retry", {"requester": "bo"}, "retry"),
    ("requests", {"format": "yes_no", "question": "Is it?", "to": ["person:cy"]}, "trigger"),
    ("requests", {"title": "Delete it", "policy": "pair", "arguments": {}}, "trigger"),
    ("standing", {"run": "{run}", "uses": 1, "until": "2099-01-01T00:00:00Z"}, "trigger"),
    ("absences", {"person": "bo", "until": "2099-01-01"}, "absent"),
)


async def test_what_a_services_key_may_not_is_recorded_with_the_key(world: World, api: Api) -> None:
    request = (await world.opened(await world.trigger("press it"))).request
    ci, key = await api.key(
        None, "trigger", "read", "answer", "steer", service="ci", acts_for=["anna"], holders=["dan"]
    )
    names, told = {"request": request.id, "run": request.run_id, "digest": request.digest}, list[tuple[str, str]]()

    for path, body, action in BY_A_SERVICE:
        filled = {name: value.format(**names) if isinstance(value, str) else value for name, value in body.items()}
        answer = await api.with_key(key).post(f"/v1/{path.format(**names)}", json=filled)
        assert answer.status_code == 403, (path, answer.text)
        told.append((action, answer.json()["detail"].removesuffix(".")))

    found = await refused(world, len(BY_A_SERVICE))
    assert Counter((one["detail"]["action"], one["words"].removesuffix(".")) for one in found) == Counter(told)
    assert {(one["who"], one["channel"], one["evidence"]) for one in found} == {("service:ci", "api", ci.proof.words)}


async def test_a_mail_that_proves_too_little_is_recorded(world: World) -> None:
    await write(world, "cy", "freeze production: the first")
    ends = a_mail(world, "cy", "unfreeze production: fixed", subject="Freeze")
    await ended_by(world, ends)
    await write(world, "cy", "freeze production: the second")
    await sent(world, again(ends))
    await world.send("bo", "sayso@sayso.example", "away until 2099-01-01: cy@corp.example")
    await world.next_mail("bo", about="absence")

    copied, absent = await refused(world, 2)

    assert [brief(copied), brief(absent)] == [("cy", "email", "freeze"), ("bo", "email", "absent")]
    assert "the same mail came before" in copied["words"]
    assert "it has not exactly one Date" in absent["words"]
    assert await world.app.requests.absences.all() == []
    assert copied["evidence"]
    assert absent["evidence"]


@opens(ALLOWED, beside=("hallway",))
async def test_who_ends_no_standing_approval_of_others_is_recorded(world: World, hallway: Hallway) -> None:
    standing = await granted(world, await done_once(world))
    said = hallway.begins("dan", f"revoke {standing.approval.id}", "C01OPS/1712345678.000100")
    await world.app.messages.inbox.accept(said)

    [record] = await refused(world, 1)

    assert (brief(record), record["outcome"]) == (("dan", "slack", "answer"), "hidden")
    assert record["run_id"] == standing.approval.run_id


async def test_what_a_run_starts_for_somebody_who_may_not_is_recorded(world: World) -> None:
    run_id = await world.trigger("ask free_text Ready?\nstart_run stamp letter")
    question = await world.opened(run_id)
    await becomes(world, OPERATOR + 'viewer = ["person:anna"]\n')
    await world.decide("anna", question, "free_text", "yes")
    await world.ended(run_id)

    [record] = await refused(world, 1)

    assert (record["who"], record["run_id"], record["detail"]["action"]) == ("anna", run_id, "trigger")
    assert world.workshop.effects == []


async def test_attack_a_stranger_leaves_no_record(world: World, api: Api) -> None:
    record = await world.opened(await world.trigger("press it"))
    paths = ("audit", "dead", f"runs/{record.request.run_id}", f"requests/{record.request.id}")
    async with a_console(world) as console:
        nobody = console.stranger()
        for path in paths:
            assert (await nobody.ask("GET", f"/{path}")).status_code in {401, 404}
    for key in (None, f"sayso_aaaaaaaa_{'a' * 40}"):
        assert {(await api.with_key(key).get(f"/v1/{path}")).status_code for path in paths} == {401}
    for person in ("nobody", "cy"):
        await world.send(person, "sayso@sayso.example", "unfreeze everything: fixed", login=None)
        await world.send(person, "sayso@sayso.example", "away until 2099-01-01: bo@corp.example", login=None)

    assert await refused(world, 0) == []


async def test_attack_a_script_with_a_key_fills_no_log(world: World) -> None:
    refusals = Refusals(world.app.store)

    for _ in range(BOUND_OF_WEAK + 5):
        await refusals.note("cy", "freeze", secrets.token_hex(4), as_by("email"), is_weak=True)
    for _ in range(BOUND + 5):
        await refusals.note("cy", "audit", secrets.token_hex(4), as_by("api"))

    # Copies of a mail, which anybody may send, use up nothing of what is kept for its person.
    found = [one["detail"]["action"] for one in await refused(world, BOUND_OF_WEAK + BOUND)]
    assert Counter(found) == {"freeze": BOUND_OF_WEAK, "audit": BOUND}


async def test_whoever_may_not_withdraw_a_request_leaves_one_record_as_whoever_may_not_deny_it(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    with suppress(Forbidden):
        await world.steering.withdraw(record.request.id, PersonId("bo"), "not now", as_by("cli"))
    await world.decide("dan", record, "deny", "not now")

    assert await refused(world, 0) == []
    told, _ = await world.app.audit.search(Query(kind="answer", run=record.request.run_id))
    assert [(one["who"], one["outcome"], one["words"]) for one in told] == [
        ("bo", "not_entitled", "not now"),
        ("dan", "not_entitled", "not now"),
    ]
