"""Whoever is refused something stands in the audit log, wherever they asked; whom nobody knows does not."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.requests import PersonId
from bot.audit.reading import Query
from bot.errors import Forbidden
from bot.people.refusals import Refusals
from bot.people.rights import Action
from tests.fakes.hallway import Hallway
from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import Api, serving
from tests.stories.people.standing import an_office, done_once, granted
from tests.stories.test_typed_freezes import a_mail, again, ended_by, sent, write

OPERATOR = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
BOUND, BOUND_OF_WEAK = 100, 30
"""So many of one person in an hour are recorded, and so many of mails that prove too little."""


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", OPERATOR) as world:
        yield world


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


async def refused(office: World, count: int) -> list[dict[str, Any]]:
    """The records of refusals, once all that happened is sealed; there are so many of them."""
    await office.quiet()

    async def found() -> tuple[list[dict[str, Any]]] | None:
        records, _ = await office.app.audit.search(Query(kind="refused"), limit=1_000)
        checked = await office.app.audit.verify(office.app.data_dir.audit_keys(office.app.settings))
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


async def test_what_a_services_key_may_not_is_recorded_with_the_key(office: World, api: Api) -> None:
    request = (await office.opened(await office.trigger("press it"))).request
    scopes = ("trigger", "read", "answer", "steer")
    ci, key = await api.key(None, *scopes, service="ci", acts_for=["anna"], holders=["dan"])
    names, told = {"request": request.id, "run": request.run_id, "digest": request.digest}, list[tuple[str, str]]()

    for path, body, action in BY_A_SERVICE:
        filled = {name: value.format(**names) if isinstance(value, str) else value for name, value in body.items()}
        answer = await api.with_key(key).post(f"/v1/{path.format(**names)}", json=filled)
        assert answer.status_code == 403, (path, answer.text)
        told.append((action, answer.json()["detail"].removesuffix(".")))

    found = await refused(office, len(BY_A_SERVICE))
    assert Counter((one["detail"]["action"], one["words"].removesuffix(".")) for one in found) == Counter(told)
    assert {(one["who"], one["channel"], one["evidence"]) for one in found} == {("service:ci", "api", ci.evidence)}


async def test_words_of_whoever_asked_by_a_key_that_only_answers_are_refused_and_recorded(
    office: World, api: Api
) -> None:
    request = (await office.opened(await office.trigger("press it"))).request
    answers = await api.client("anna", "answer")

    told = await answers.post(f"/v1/requests/{request.id}/answer", json={"text": "do another thing"})

    assert told.json()["type"] == "urn:sayso:problem:scope-missing"
    [record] = await refused(office, 1)
    assert (brief(record), record["run_id"]) == (("anna", "api", "write"), request.run_id)


async def test_in_the_console_it_is_recorded_with_the_session(office: World) -> None:
    async with a_console(office) as console:
        one, other = [await console.browser("bo") for _ in range(2)]

        for browser, path in ((one, "/audit"), (other, "/audit/export"), (one, "/quarantine")):
            assert (await browser.ask("GET", path)).status_code == 403

    first, second, third = await refused(office, 3)
    assert [brief(each) for each in (first, second, third)] == [
        ("bo", "console", "audit"),
        ("bo", "console", "audit"),
        ("bo", "console", "dead"),
    ]
    assert first["evidence"].startswith("console session, opened by a link from an operator's terminal (")
    assert first["evidence"] == third["evidence"] != second["evidence"]


async def test_in_slack_it_is_recorded_with_team_and_user(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack) as office:
        await office.world.start()
        await slack.connected()

        await office.bo.says("#ops", "@sayso freeze everything: incident 4711")

        [record] = await refused_in_slack(office.world)
        assert brief(record) == ("bo", "slack", "freeze")
        assert record["evidence"] == "Slack user U0BO of team T0TEAM wrote it"


async def refused_in_slack(office: World) -> list[dict[str, Any]]:
    async def found() -> list[dict[str, Any]]:
        return [*(await office.app.audit.search(Query(kind="refused")))[0]]

    return await until(found, what="the refusal is sealed")


async def test_a_mail_that_proves_too_little_is_recorded(office: World) -> None:
    await write(office, "cy", "freeze production: the first")
    ends = a_mail(office, "cy", "unfreeze production: fixed", subject="Freeze")
    await ended_by(office, ends)
    await write(office, "cy", "freeze production: the second")
    await sent(office, again(ends))
    await office.send("bo", "sayso@sayso.example", "away until 2099-01-01: cy@corp.example")
    await office.next_mail("bo", about="absence")

    copied, absent = await refused(office, 2)

    assert [brief(copied), brief(absent)] == [("cy", "email", "freeze"), ("bo", "email", "absent")]
    assert "the same mail came before" in copied["words"]
    assert "it has not exactly one Date" in absent["words"]
    assert copied["evidence"]
    assert absent["evidence"]


async def test_who_ends_no_standing_approval_of_others_is_recorded(redis: str, tmp_path: Path) -> None:
    hallway = Hallway()

    async with an_office(redis, tmp_path, beside=[hallway]) as office:
        standing = await granted(office, await done_once(office))
        said = hallway.begins("dan", f"revoke {standing.approval.id}", "C01OPS/1712345678.000100")
        await office.app.messages.inbox.accept(said)

        [record] = await refused(office, 1)

        assert (brief(record), record["outcome"]) == (("dan", "slack", "answer"), "hidden")
        assert record["run_id"] == standing.approval.run_id


async def test_who_takes_back_what_others_asked_for_is_recorded(office: World) -> None:
    request = (await office.opened(await office.trigger("press it"))).request
    steering, cy, how = office.app.runs.steering, PersonId("cy"), {"channel": "console", "evidence": "a session"}

    with pytest.raises(Forbidden):
        await steering.withdraw(request.id, cy, "no more", **how)

    [found] = await refused(office, 1)
    assert brief(found) == ("cy", "console", "withdraw")
    assert (found["run_id"], found["evidence"]) == (request.run_id, "a session")


async def test_what_a_run_starts_for_somebody_who_may_not_is_recorded(office: World) -> None:
    run_id = await office.trigger("ask free_text Ready?\nstart_run stamp letter")
    question = await office.opened(run_id)
    await becomes(office, OPERATOR + 'viewer = ["person:anna"]\n')
    await office.decide("anna", question, "free_text", "yes")
    await office.ended(run_id)

    [record] = await refused(office, 1)

    assert (record["who"], record["run_id"], record["detail"]["action"]) == ("anna", run_id, "trigger")
    assert office.workshop.effects == []


async def test_attack_a_stranger_leaves_no_record(office: World, api: Api) -> None:
    record = await office.opened(await office.trigger("press it"))
    paths = ("audit", "dead", f"runs/{record.request.run_id}", f"requests/{record.request.id}")
    async with a_console(office) as console:
        nobody = console.stranger()
        for path in paths:
            assert (await nobody.ask("GET", f"/{path}")).status_code in {401, 404}
    for key in (None, f"sayso_aaaaaaaa_{'a' * 40}"):
        assert {(await api.with_key(key).get(f"/v1/{path}")).status_code for path in paths} == {401}
    for person in ("nobody", "cy"):
        await office.send(person, "sayso@sayso.example", "unfreeze everything: fixed", login=None)
        await office.send(person, "sayso@sayso.example", "away until 2099-01-01: bo@corp.example", login=None)

    assert await refused(office, 0) == []


async def test_attack_a_script_with_a_key_fills_no_log(office: World) -> None:
    refusals = Refusals(office.app.store)

    for _ in range(BOUND_OF_WEAK + 5):
        await refusals.note("cy", "freeze", secrets.token_hex(4), "email", is_weak=True)
    for _ in range(BOUND + 5):
        await refusals.note("cy", "audit", secrets.token_hex(4), "api")

    # Copies of a mail, which anybody may send, use up nothing of what is kept for its person.
    found = [one["detail"]["action"] for one in await refused(office, BOUND_OF_WEAK + BOUND)]
    assert Counter(found) == {"freeze": BOUND_OF_WEAK, "audit": BOUND}
