"""An id is not a person: whoever gets one that was somebody else's has nothing of theirs, and nobody escapes by one."""

import re
from pathlib import Path

import pytest

from agents.requests import PersonId, RequestId, people_of
from agents.requests.record import RequestRecord
from bot.outbound.login_link import send_link
from bot.policy.edits import Edited
from bot.policy.judgements import Counted, Decided, Delegated, DelegationRefused, NotEntitled
from bot.queries import lists
from tests.bot.cli.shell import sayso
from tests.bot.web.console.stage import place
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import Api, serving
from tests.stories.test_break_glass import breaks

_ZOE = '\n[people.cy]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\ngroups = ["release"]\n'
OPEN = TOML.replace(
    "[policies.production]\n", '[policies.production]\nbreak_glass = ["person:cy"]\nremind_after = ["30m"]\n'
)
"""Cy may decide, and break the glass."""


def with_mark(toml: str, person: str, more: str) -> str:
    """The file with one line more about somebody."""
    return toml.replace(f"[people.{person}]\n", f"[people.{person}]\n{more}\n")


def by_someone_else(toml: str) -> str:
    """The file in which somebody else is called Cy's id."""
    return toml.replace('"Cy Cole"\nemail = "cy@corp.example"', '"Zoe Zahn"\nemail = "zoe@corp.example"')


async def asked(office: World, policy: str = "production") -> RequestRecord:
    office.workshop.policy_of["bell"] = policy
    return await office.opened(await office.trigger("press bell"))


@opens(OPEN)
async def test_attack_whoever_gets_the_id_of_one_who_decides_has_nothing_of_it(world: World) -> None:
    async with a_console(world) as console:
        record = await asked(world)
        assert record.request.id in (await (await console.browser("cy")).get(place(record))).html
        await becomes(world, by_someone_else(OPEN))
        zoe = world.app.people.named("cy")

        api = await console.api.client("cy")
        assert (await api.get(f"/v1/requests/{record.request.id}")).status_code == 404
        assert (await api.get(f"/v1/runs/{record.request.run_id}")).status_code == 404
        assert (await api.get("/v1/requests")).json()["requests"] == []
        assert (await api.get("/v1/runs")).json()["runs"] == []
        assert (await lists.waiting(world.app.store, world.app.people, zoe)).found == ()
        assert record.request.id not in (await (await console.browser("cy")).get("/requests?all")).html
        await world.move_time(1900)
        await world.quiet()
        assert not [letter for letter in world.mails("zoe") if "bell" in letter.subject.lower()]

        for answered in (await world.decide("cy", record, "approve"), await breaks(world, "cy", record)):
            assert isinstance(answered, NotEntitled)
        assert isinstance(await world.decide("cy", record, "deny"), NotEntitled)
        assert isinstance(await world.edit("cy", record, what="horn"), NotEntitled)
        assert isinstance(await world.delegate("cy", record, "dan"), DelegationRefused)
        assert (await world.request(record.request.id)).state == "open"
        assert world.workshop.effects == []
        assert isinstance(await world.decide("bo", record, "approve"), Decided)


@opens(OPEN)
async def test_attack_the_old_card_of_one_whose_id_is_anothers_by_now_approves(world: World) -> None:
    record = await asked(world)
    card = await world.next_mail("cy", "Press bell?")
    await becomes(world, by_someone_else(OPEN))

    assert card.reply_to
    await world.post("zoe", card.reply_to, "yes", about=f"Re: {card.subject}")
    await world.quiet()

    now = await world.request(record.request.id)
    assert (now.state, now.votes, world.workshop.effects) == ("open", (), [])


_BO = with_mark(TOML, "bo", 'slack = "U0BO"')


_UID = with_mark(TOML, "bo", 'uid = "4711"')


def uid_to(toml: str, person: str) -> str:
    """The file in which the uid that was Bo's is somebody else's."""
    return with_mark(toml.replace('uid = "4711"\n', ""), person, 'uid = "4711"')


@opens(_UID)
async def test_attack_whose_uid_is_anothers_by_now_votes_twice(world: World) -> None:
    record = await asked(world, "pair")
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, uid_to(_UID, "cy"))

    assert world.app.people.of_file("bo") == "bo~2"
    for _ in range(2):
        now = await world.request(record.request.id)
        assert not isinstance(await world.decide("bo", now, "approve"), Decided)
    assert world.workshop.effects == []


@pytest.mark.parametrize("act", few_of(["edit", "leave"], 0))
async def test_who_may_be_whoever_handed_it_on_is_not_said_to_have_done_so(
    redis: str, tmp_path: Path, act: str
) -> None:
    before = _BO.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan", "person:eve"]\n')
    eve = '[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\n\n[policies.production]'
    before = before.replace("[policies.production]", eve)
    if act == "edit":  # dan's seat is from somebody who may have asked, so that somebody else approves the edit
        before = with_mark(before, "eve", 'groups = ["release"]')
    async with a_world(redis, tmp_path / "data", before) as office:
        office.workshop.editable = ("what",)
        record = await asked(office)
        assert isinstance(await office.delegate("bo", record, "dan"), Delegated)
        later = with_mark(without(before, "bo"), "anna", 'slack = "U0BO"')
        await becomes(office, later)

        now = await office.request(record.request.id)
        if act == "leave":
            later = with_mark(without(without(later, "cy"), "dan"), "eve", 'groups = ["release"]')
            await becomes(
                office, later.replace("person:dan", "person:eve").replace('"person:eve", "person:eve"', '"person:eve"')
            )
            assert "eve" in list[str](people_of((await office.request(record.request.id)).asked.rule))
        else:
            assert isinstance(await office.edit("cy", now, what="horn"), Edited)

        given = (await office.request(record.request.id)).asked.handed_on
        assert [one.person for one in given] == ["bo"]


SAME = {
    "a first uid is added": (TOML, with_mark(TOML, "bo", 'uid = "4711"')),
    "the id in the file is another one": (TOML, TOML.replace("[people.bo]", "[people.bob]")),
    "every address is another one, and the uid the same": (
        with_mark(TOML, "bo", 'uid = "4711"\nslack = "U0BO"'),
        with_mark(TOML, "bo", 'uid = "4711"\nslack = "U0BOB"')
        .replace("bo@corp.example", "bob@corp.example")
        .replace("[people.bo]", "[people.bob]"),
    ),
}


@pytest.mark.parametrize("how", few_of([*SAME], 0))
async def test_the_same_human_keeps_everything(redis: str, tmp_path: Path, how: str) -> None:
    before, after = SAME[how]
    async with a_world(redis, tmp_path / "data", before) as office, a_console(office) as console:
        record, own = await asked(office, "pair"), await office.trigger("stamp paper", "bo")
        browser = await console.browser("bo")
        assert isinstance(await office.decide("bo", record, "approve"), Counted)

        await becomes(office, after)

        name = "bob" if "[people.bob]" in after else "bo"
        assert record.request.id in (await browser.get(place(record))).html, "the session goes on"
        assert (await (await console.api.client(name)).get(f"/v1/runs/{own}")).status_code == 200
        assert isinstance(await office.decide("cy", record, "approve"), Decided)
        await office.ended(record.request.run_id)
        assert office.workshop.effects.count("press bell") == 1


_ADMINS = TOML + ROLES


async def test_an_admin_says_that_somebody_is_the_same_under_another_address(redis: str, tmp_path: Path) -> None:
    moved = _ADMINS.replace("bo@corp.example", "bob@corp.example")
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        record, own = await asked(office), await office.trigger("stamp paper", "bo")
        await becomes(office, moved)
        assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)
        ada, body = await api.client("ada", "admin"), {"known_by": "bo@corp.example", "person": "bo"}

        said = await ada.post("/v1/people/same", json=body)
        again = await ada.post("/v1/people/same", json=body)

        assert said.json()["id"] == "bo"
        assert "as 'bo@corp.example'" in said.json()["told"]
        assert again.status_code == 200
        assert (await (await api.client("bo")).get(f"/v1/runs/{own}")).status_code == 200
        assert isinstance(await office.decide("bo", record, "approve"), Decided)
        await office.ended(record.request.run_id)
        await office.seal()
        async with office.stopped():
            office.toml = moved
        assert office.app.people.named("bo") == "bo"


@opens(_ADMINS)
async def test_an_admin_says_so_in_a_terminal(world: World) -> None:
    record = await asked(world)
    await becomes(world, _ADMINS.replace("bo@corp.example", "bob@corp.example"))

    said = await sayso(world, "people", "same", "bo@corp.example", "bo", "--as", "ada")

    assert (said.code, "as 'bo@corp.example'" in said.out) == (0, True)
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    for words in (("bo", "bob@corp.example"), ("bo@corp.example", "nobody")):
        assert (await sayso(world, "people", "same", *words, "--as", "ada")).code == 1


@opens(_ADMINS)
async def test_who_says_so_of_themselves_or_is_no_admin_or_means_nobody_is_refused(world: World, api: Api) -> None:
    await becomes(world, _ADMINS.replace("bo@corp.example", "bob@corp.example"))
    body = {"known_by": "bo@corp.example", "person": "bo"}
    ada, ole, bo = await api.client("ada", "admin"), await api.client("ole", "admin"), await api.client("bo")

    refused(await ole.post("/v1/people/same", json=body), 403, "not-yours")
    refused(await bo.post("/v1/people/same", json=body), 403, "scope-missing")
    refused(await ada.post("/v1/people/same", json={**body, "person": "ada"}), 403, "not-yours")
    refused(await ada.post("/v1/people/same", json={**body, "known_by": "nobody@corp.example"}), 404, "not-found")
    refused(await ada.post("/v1/people/same", json={**body, "known_by": "cy@corp.example"}), 409, "not-now")
    assert world.app.people.named("bo") == "bo~2"


@opens(TOML)
async def test_another_process_and_a_new_start_know_everybody_as_the_first_did(world: World) -> None:
    await becomes(world, by_someone_else(TOML))
    assert world.app.people.named("cy") == "cy~2"

    world.toml = by_someone_else(TOML)
    async with world.stopped():
        pass

    assert world.app.people.named("cy") == "cy~2"
    world.toml = TOML
    async with world.stopped():
        pass
    assert world.app.people.named("cy") == "cy"


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_attack_whoever_has_left_is_shown_what_is_said_since(world: World, hallway: Hallway) -> None:
    record = await asked(world)
    await until(lambda: hallway.to("bo", "Press bell?"), what="the card is there")
    await becomes(world, without(TOML, "bo"))

    await world.decide("anna", record, "free_text", "the door has the code 4711")
    await until(lambda: len(hallway.to("cy", "Press bell?")) > 1, what="the others see it")
    await world.decide("cy", await world.request(record.request.id), "deny", "the door stays shut")
    await world.quiet()

    shown = {hallway.cards[key][0].person for key in hallway.shown}
    assert (shown, len(hallway.to("bo"))) == ({"cy"}, 1)
    assert await world.dead() == []


@opens(with_mark(with_mark(TOML, "cy", 'uid = "00cy"'), "dan", 'uid = "00dan"'))
async def test_attack_the_end_of_a_request_is_mailed_to_whoever_has_the_address_of_one_who_decides(
    world: World,
) -> None:
    toml = world.toml
    record = await asked(world)
    await world.next_mail("cy", "Press bell?")

    await becomes(world, toml.replace("cy@", "cyril@").replace("dan@", "cy@"))
    await world.decide("bo", record, "deny", "the door has the code 4711")

    assert "4711" in (await world.next_mail("cyril", about="Closed: Press bell")).text
    await world.quiet()
    assert [one for one in world.mails("cy") if "4711" in one.text] == []


async def test_attack_whoever_has_the_address_of_one_who_decides_logs_in_by_the_link_that_went_there_before(
    redis: str, tmp_path: Path
) -> None:
    host = "sayso.corp.example:8000"
    toml = with_mark(with_mark(TOML, "cy", 'uid = "00cy"'), "dan", 'uid = "00dan"')
    toml = f'public_url = "http://{host}"\n{toml}'
    async with a_world(redis, tmp_path / "data", toml) as office, a_console(office, host=host) as console:
        await send_link(office.app.journal, office.app.people, f"http://{host}", PersonId("cy"), "/", ("email",))
        found = re.search(r"token=([a-z2-7]+)", (await office.next_mail("cy", about="Open the console")).text)
        assert found

        await becomes(office, toml.replace("cy@", "cyril@").replace("dan@", "cy@"))

        assert (await console.stranger().get(f"/login?token={found[1]}")).status == 401
        assert (await console.stranger().post("/login", {"token": found[1]})).status_code == 401


@opens(with_mark(TOML, "anna", 'slack = "U0ANNA"'))
async def test_attack_who_asked_approves_it_under_another_address(world: World) -> None:
    before = world.toml
    after = without(without(before, "bo"), "cy").replace("anna@corp.example", "anna.zander@corp.example")
    record = await asked(world)

    await becomes(world, with_mark(after, "anna", 'groups = ["release"]'))
    await world.quiet()

    for request_id in await world.app.store.lists.requests(only_open=False):
        found = await world.request(RequestId(request_id))
        assert not isinstance(await world.decide("anna", found, "approve"), Decided)
    assert (await world.request(record.request.id)).state != "approved"
    assert world.workshop.effects == []
