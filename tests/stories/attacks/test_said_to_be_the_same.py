"""Who is said to be the same human: by whom, of whom, how often, and what the id of somebody else means meanwhile."""

import asyncio
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.errors import SaysoError
from bot.people.absences import Absences
from bot.people.directory import People
from bot.people.offers import offers
from bot.people.register import Register
from bot.policy.judgements import Decided, NotEntitled
from bot.queries import lists
from bot.render.cards import request_card
from bot.render.words import feedback_text
from bot.store.ids import WorkItem
from bot.store.keys import Keys
from tests.bot.inbound.test_follow_ups import THREAD, written
from tests.bot.inbound.test_follow_ups import asked as in_thread
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import ROLES, STEPS, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, settings_in, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it, held
from tests.servers.console import a_console
from tests.servers.lines import Server
from tests.servers.web import Api, serving
from tests.stories.attacks.test_who_is_who import asked, with_mark
from tests.stories.people.standing import ALLOWED, done_once, granted
from tests.stories.test_absences import away
from tests.stories.test_break_glass import breaks

_ADMINS = TOML + ROLES


pytestmark = opens(_ADMINS)

_SAME = "/v1/people/same"


def at(toml: str, address: str) -> str:
    """The file in which Bo has another address."""
    return toml.replace("bo@corp.example", address)


@opens(TOML)
async def test_attack_whose_key_a_program_has_says_it_of_themselves(world: World, api: Api) -> None:
    record = await asked(world)
    await becomes(world, at(TOML, "mallory@corp.example"))
    for given in ({"holders": ["bo"]}, {"holders": ["dan"], "acts_for": ["bo"]}):
        ci = await api.client(None, "admin", service="ci", **given)
        refused(await ci.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"}), 403, "not-yours")

    assert world.app.people.named("bo") == "bo~2"
    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)


@opens(_ADMINS.replace('email = "ada@corp.example"', 'email = "ada@corp.example"\nuid = "7"'))
@pytest.mark.parametrize("way", few_of(["an entry that they left", "the key of a program of theirs"], 0))
async def test_attack_an_admin_says_it_of_themselves_by_another_mark_of_theirs(
    world: World, api: Api, way: str
) -> None:
    """Ada has a second entry with an address that was hers: what Bo may decide would be hers to decide."""
    toml = world.toml
    record, mine = await asked(world), "ada@corp.example"
    if way == "an entry that they left":
        await becomes(world, at(toml, "bob@corp.example").replace(mine, "bo@corp.example"))
    else:
        await becomes(world, at(toml.replace(mine, "aster@corp.example"), mine))
    admin = await api.client("ada", "admin")
    if way == "the key of a program of theirs":
        admin = await api.client(None, "admin", service="ci", holders=["ada"])

    refused(await admin.post(_SAME, json={"known_by": "bo", "person": "bo"}), 403, "not-yours")

    assert world.app.people.named("bo") == "bo~2"
    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)


async def test_attack_somebody_else_is_told_to_be_the_same_already(world: World, api: Api) -> None:
    ada = await api.client("ada", "admin")
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

    for known_by in ("bo~2", "bo@corp.example"):
        refused(await ada.post(_SAME, json={"known_by": known_by, "person": "cy"}), 409, "not-now")
    assert (await ada.post(_SAME, json={"known_by": "bo~2", "person": "bo"})).json()["id"] == "bo"


async def test_attack_what_was_said_while_redis_refused_it_other_processes_never_hear(world: World, api: Api) -> None:
    ada, client = await api.client("ada", "admin"), world.app.store.client
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    people, said = People(settings_in(world.folder).people, {}), {"known_by": "bo@corp.example", "person": "bo"}
    other = Register(world.app.store, people)
    await other.hold()
    await client.do("SET", Keys(0).people_number, "by hand")
    refused(await ada.post(_SAME, json=said), 503, "unavailable")
    await client.do("DEL", Keys(0).people_number)

    assert (await ada.post(_SAME, json=said)).json()["id"] == "bo"

    await other.look()
    assert people.named("bo") == "bo"


async def test_attack_two_are_said_at_once_to_be_one_who_has_left(world: World) -> None:
    """The second one's runs and requests became those of the first."""
    await becomes(world, _ADMINS.replace("cy@corp.example", "second@corp.example").replace("eve@", "other@"))
    register, people = world.app.register, world.app.people

    said = [register.same("cy@corp.example", one, PersonId("ada"), proof=as_by("cli")) for one in ("cy", "eve")]
    found = await asyncio.gather(*said, return_exceptions=True)

    [was_said] = [one for one in found if not isinstance(one, SaysoError)]
    assert people.ids_of("cy") == was_said


async def test_what_somebody_asked_for_and_is_asked_back_in_between_is_in_their_lists(world: World) -> None:
    await becomes(world, _ADMINS.replace("anna@corp.example", "second@corp.example"))
    record = await asked(world)
    await world.decide("bo", record, "free_text", "Why now?")
    async with a_console(world) as console:
        ada = await console.api.client("ada", "admin")
        assert (await ada.post(_SAME, json={"known_by": "anna@corp.example", "person": "anna"})).json()["id"] == "anna"

        anna = await console.browser("anna")
        home, waiting = await anna.get("/"), await anna.get("/requests")
        assert f"/runs/{record.request.run_id}" in home.html
        assert "Why now?" in waiting.html
        assert await lists.waiting_on(world.app.store, world.app.people, "anna") == 1
    asked_for = (await world.app.requests.lookup.overview("anna")).asked
    assert [one.label for one in asked_for] == ["press bell"]
    await world.post("second", "sayso@sayso.example", "stop")
    which = await world.next_mail("second", about="Re: stop")
    assert record.request.run_id in which.text


async def test_what_somebody_decided_in_between_is_in_their_lists_and_what_the_other_id_could_decide_is_not(
    world: World,
) -> None:
    await becomes(world, _ADMINS.replace("cy@corp.example", "second@corp.example"))
    decided, _ = await asked(world), await asked(world)
    await world.decide("cy", decided, "approve")
    await world.ended(decided.request.run_id)
    async with serving(world.app) as api:
        ada = await api.client("ada", "admin")
        assert (await ada.post(_SAME, json={"known_by": "cy@corp.example", "person": "cy"})).json()["id"] == "cy"

    overview = await world.app.requests.lookup.overview("cy")

    assert [one.label for one in overview.decided] == [decided.request.title]
    assert overview.waiting == ()
    assert await lists.waiting_on(world.app.store, world.app.people, "cy") == 0


async def test_attack_who_was_brought_back_is_made_somebody_else_again(world: World, api: Api) -> None:
    ada, record = await api.client("ada", "admin"), await asked(world)
    await becomes(world, at(_ADMINS, "second@corp.example"))
    await becomes(world, at(_ADMINS, "third@corp.example"))
    assert world.app.people.named("bo") == "bo~3"
    assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

    refused(await ada.post(_SAME, json={"known_by": "second@corp.example", "person": "bo"}), 409, "not-now")

    assert world.app.people.named("bo") == "bo"
    assert isinstance(await world.decide("bo", record, "approve"), Decided)


@opens(with_mark(_ADMINS, "cy", 'uid = "22"'))
async def test_attack_who_has_what_somebody_had_before_they_were_brought_back_approves_what_those_asked_for(
    world: World, api: Api
) -> None:
    both = world.toml
    between = with_mark(at(both, "bob@corp.example"), "bo", 'uid = "11"')
    record = await world.opened(await world.trigger("press bell", "bo"))
    await becomes(world, with_mark(between, "bo", 'slack = "U0BO"'))
    await becomes(world, between)
    ada = await api.client("ada", "admin")
    assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

    await becomes(world, with_mark(between, "cy", 'slack = "U0BO"'))

    now = await world.request(record.request.id)
    assert not isinstance(await world.decide("cy", now, "approve"), Decided)
    assert world.workshop.effects == []


async def test_attack_what_somebody_asked_for_in_between_nobody_but_an_operator_stops(world: World, api: Api) -> None:
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    run_id = await world.trigger("press bell", "bo")
    record, ada = await world.opened(run_id), await api.client("ada", "admin")

    said = await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})

    assert "asked for since then, as bo~2, they still see and can stop" in said.json()["told"]
    assert world.app.people.named("bo") == "bo"
    assert not isinstance(await world.decide("bo", record, "approve"), Decided)
    bo = await api.client("bo")
    assert [run["id"] for run in (await bo.get("/v1/runs")).json()["runs"]] == [run_id]
    refused(await (await api.client("eve")).post(f"/v1/runs/{run_id}/cancel"), 404, "not-found")
    await world.post("bob", "sayso@sayso.example", f"stop {run_id}")
    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert world.workshop.effects == []


@pytest.mark.parametrize("way", ["withdraw", "deny"])
async def test_attack_who_was_brought_back_takes_back_nothing_that_they_asked_for_in_between(
    world: World, api: Api, way: str
) -> None:
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    record = await world.opened(await world.trigger("press bell", "bo"))
    ada = await api.client("ada", "admin")
    await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})

    bo = await api.client("bo")
    if way == "deny":
        said = await bo.post(f"/v1/requests/{record.request.id}/answer", json={"vote": "deny"})
    else:
        said = await bo.post(f"/v1/requests/{record.request.id}/withdraw")

    assert said.status_code == 200
    now = await world.request(record.request.id)
    assert (now.state, now.decision and now.decision.by) == ("withdrawn", ("bo",))


async def asked_before_it_was_said(office: World, admin: AsyncClient, wish: str) -> str:
    """Return a run that Anna began as somebody new, of whom it is said by now that she is Anna."""
    await becomes(office, _ADMINS.replace("anna@corp.example", "second@corp.example"))
    held = office.workshop.hold("wait")
    office.workshop.policy_of["wait"] = None
    run_id = await office.trigger(f"stamp wait\n{wish}")
    await until(lambda: office.workshop.started == ["stamp wait"])
    assert (await admin.post(_SAME, json={"known_by": "anna@corp.example", "person": "anna"})).json()["id"] == "anna"
    held.set()
    return run_id


async def test_attack_who_asked_as_somebody_new_counts_as_one_who_left(world: World, api: Api) -> None:
    """Their card says that nobody can answer, and a question asked back reaches nobody."""
    record = await world.opened(await asked_before_it_was_said(world, await api.client("ada", "admin"), "press bell"))

    view = (await (await api.client("bo")).get(f"/v1/requests/{record.request.id}")).json()
    assert view["says"].startswith("Anna Ames asks.")
    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), "Why now?")
    await world.reply("anna", await world.next_mail("second", about="Why now?"), "The old one is cracked")
    await world.next_mail("bo", about="The old one is cracked")


async def test_attack_the_question_of_a_run_to_who_asked_as_somebody_new_ends_it(world: World, api: Api) -> None:
    run_id = await asked_before_it_was_said(world, await api.client("ada", "admin"), "ask yes_no Shall I go on?")

    await world.reply("anna", await world.next_mail("second", about="Shall I go on?"), "yes")

    await world.has(run_id, "done")


async def test_attack_a_child_of_a_run_of_who_asked_as_somebody_new_is_not_begun(world: World, api: Api) -> None:
    run_id = await asked_before_it_was_said(world, await api.client("ada", "admin"), "start_run stamp door")

    await world.has(run_id, "done")

    assert world.workshop.effects[-1] == "stamp door"


async def new_ones(office: World) -> list[str]:
    """What the operators were told of people who count as somebody new."""
    await office.quiet()
    return [" ".join(one.text.split()) for one in office.mails("dan") if "Somebody new" in one.subject]


async def test_who_has_another_address_counts_as_somebody_new_and_operators_hear_what_brings_them_back(
    world: World, api: Api
) -> None:
    bo, ada = await api.client("bo"), await api.client("ada", "admin")
    await becomes(world, at(_ADMINS, "bo.zander@corp.example"))
    refused(await bo.get("/v1/runs"), 401, "no-key")

    [told] = await new_ones(world)
    assert "another address or Slack id of Bo Berg" in told
    assert "sayso people same bo bo" in told
    assert (await ada.post(_SAME, json={"known_by": "bo", "person": "bo"})).json()["id"] == "bo"
    assert (await bo.get("/v1/runs")).status_code == 200

    await becomes(world, at(_ADMINS, "bo.zander@corp.example").replace('name = "Bo Berg"', 'name = "Bo Zander"'))
    assert await new_ones(world) == [told]


@opens(with_mark(_ADMINS, "cy", 'uid = "okta-1"'))
async def test_operators_hear_of_each_id_that_may_be_theirs_where_an_address_was_mistyped_or_a_uid_has_changed(
    world: World,
) -> None:
    """As where another identity provider gives everybody another uid."""
    toml = world.toml
    zoe = '\n[people.anna]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\ngroups = ["release"]\n'
    await becomes(world, toml.replace("[people.anna]", "[people.ames]") + zoe)
    assert world.app.people.named("ames") == "anna"
    assert await new_ones(world) == [], "whose id was that of somebody who is still here is not new"
    await becomes(world, toml)

    await becomes(world, at(toml, "bo.zadner@corp.example"))
    toml = at(toml, "bo.zander@corp.example")
    await becomes(world, toml)
    await becomes(world, toml.replace("okta-1", "entra-1"))

    told = await new_ones(world)
    assert "sayso people same OLD bo (OLD is bo or bo~2: the first that is this human)" in told[1]
    assert "sayso people same cy cy" in told[2]


@opens(with_mark(_ADMINS, "bo", 'slack = "U0BO"'))
async def test_who_has_another_id_and_another_address_at_once_is_told_to_operators_too(world: World, api: Api) -> None:
    before = world.toml
    after = at(before, "bo.zander@corp.example").replace("[people.bo]", "[people.bozander]")
    bo, ada = await api.client("bo"), await api.client("ada", "admin")
    await becomes(world, after)
    refused(await bo.get("/v1/runs"), 401, "no-key")

    [told] = await new_ones(world)
    assert "sayso people same bo bozander" in told
    await becomes(world, before)
    await becomes(world, after)
    assert await new_ones(world) == [told], "who was known before is not new"
    assert (await ada.post(_SAME, json={"known_by": "bo", "person": "bozander"})).json()["id"] == "bo"
    assert (await bo.get("/v1/runs")).status_code == 200


async def test_the_log_is_searched_by_every_id_that_is_somebodys(world: World, api: Api) -> None:
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    record, ada = await asked(world), await api.client("ada", "admin")
    await world.decide("bo", record, "approve")
    await world.ended(record.request.run_id)
    await ada.post(_SAME, json={"known_by": "bo", "person": "bo"})
    await world.seal()

    found = (await ada.get("/v1/audit", params={"person": "bo", "kind": "vote"})).json()["records"]

    assert [one["who"] for one in found] == ["bo~2"]


@opens(_ADMINS.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n'))
async def test_what_was_said_of_an_absence_under_the_other_id_holds_for_whom_they_are(world: World, api: Api) -> None:
    """Bo says as somebody new that Dan stands in for him, and Eve that Bo does for her."""
    toml = world.toml
    later = at(toml, "bob@corp.example")
    await becomes(world, later)
    await away(world, "bo~2", "dan")
    await away(world, "eve", "bo~2")

    admin = await api.client("ada", "admin")
    assert (await admin.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).is_success
    await world.app.requests.absences.look()

    absences = await world.app.requests.absences.all()
    assert {one.person: one.to for one in absences} == {"bo": "dan", "eve": "bo"}
    record = await asked(world)
    assert [(one.person, one.to) for one in record.asked.handed_on] == [("bo", "dan")]
    await world.app.requests.absences.end(PersonId("bo"), PersonId("bo"), proof=as_by("cli"))


async def test_attack_the_later_absence_of_two_is_lost_as_another_process_looks_at_the_earlier_one(
    redis: str, tmp_path: Path
) -> None:
    folder, later = tmp_path / "data", at(_ADMINS, "bob@corp.example")
    office = World(redis, folder, _ADMINS)
    async with held(office):
        await office.start(works=False, receives=False)
        await away(office, "bo", None)
        await becomes(office, later)
        await office.move_time(5)
        await away(office, "bo~2", None, days=9)
        await office.app.register.same("bo@corp.example", PersonId("bo"), PersonId("ada"), proof=as_by("cli"))
        kept = Absences(office.app.store, office.app.people)
        before = await kept.all()
        with Server("tests.servers.redis_proxy", redis) as proxy:
            url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
            async with beside_it(World(url, folder, later)) as beside:
                proxy.ask(do="arm", name="write_if", nth=1, when="before", act="hold")
                first = asyncio.create_task(beside.app.requests.absences.look())
                await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="it replaces the earlier one")
                earlier = before[PersonId("bo")]
                assert await kept.change(earlier, earlier.model_copy(update={"looked_at": await office.now()}))
                proxy.ask(do="release")
                await first

        await office.app.requests.absences.look()

        assert {one.person: one.until for one in await office.app.requests.absences.all()} == {
            "bo": before[PersonId("bo~2")].until
        }


@pytest.mark.parametrize("news", few_of(["what became of it", "that nobody is left to answer it"], 0))
async def test_attack_news_for_the_id_that_somebody_had_in_between_reach_nobody(
    redis: str, tmp_path: Path, news: str
) -> None:
    who = "anna" if news == "what became of it" else "cy"
    moved = _ADMINS.replace(f"{who}@corp.example", "second@corp.example")
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        ada = await api.client("ada", "admin")
        await becomes(office, moved)
        record = await asked(office)
        if who == "cy":
            await office.decide("cy", record, "free_text", "Why now?", channel="email")
        assert (await ada.post(_SAME, json={"known_by": f"{who}@corp.example", "person": who})).json()["id"] == who

        if news == "that nobody is left to answer it":
            await becomes(office, without(moved, "anna"))
            await office.next_mail("second", about="Nobody can answer your question")
        else:
            await office.decide("bo", record, "approve")
            await office.next_mail("second", about="Done: press bell")
        await office.quiet()
        assert [one.subject for one in office.mails("dan") if "can't be reached" in one.subject] == []


async def test_attack_a_worker_that_has_not_heard_of_it_takes_what_they_approve_for_the_word_of_one_who_left(
    redis: str, tmp_path: Path
) -> None:
    moved = _ADMINS.replace("cy@corp.example", "second@corp.example")
    async with a_world(redis, tmp_path / "data", _ADMINS) as office:
        record = await asked(office)
        await becomes(office, moved)
        async with beside_it(World(redis, tmp_path / "web", moved)) as web, serving(web.app) as api:
            ada = await api.client("ada", "admin")
            assert (await ada.post(_SAME, json={"known_by": "cy@corp.example", "person": "cy"})).json()["id"] == "cy"

            assert isinstance(await web.decide("cy", record, "approve"), Decided)
            await until(lambda: has_waited_or_not(office, record), what="the worker has looked at it")
            assert (await office.request(record.request.id)).state == "approved"
            await office.app.register.look()

            await office.ended(record.request.run_id)
            assert office.workshop.effects == ["press bell"]


async def has_waited_or_not(office: World, record: RequestRecord) -> bool:
    state, item = (await office.request(record.request.id)).state, WorkItem("run", record.request.run_id)
    return state == "superseded" or await office.app.store.remembered(f"newer file {item}") is not None


async def test_what_somebody_writes_beside_what_they_asked_for_in_between_is_in_its_record(
    world: World, api: Api
) -> None:
    ada = await api.client("ada", "admin")
    await becomes(world, at(_ADMINS, "second@corp.example"))
    record = await world.opened(await world.app.runs.starter.start("cli", "press bell", PersonId("bo~2")))
    assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

    await world.decide("bo", record, "free_text", "the small one")

    stands = await world.request(record.request.id)
    assert [one.text for one in stands.request.remarks] == ["the small one"]
    assert stands.joined == (await world.run(record.request.run_id)).requests[record.request.id].joined == ("bo",)


async def test_attack_a_question_to_whoever_asked_in_between_reaches_nobody(world: World, api: Api) -> None:
    ada = await api.client("ada", "admin")
    await becomes(world, _ADMINS.replace("anna@corp.example", "second@corp.example"))
    record = await asked(world)
    assert record.request.askers == ("anna~2",)
    assert (await ada.post(_SAME, json={"known_by": "anna@corp.example", "person": "anna"})).json()["id"] == "anna"
    assert "has left" not in standing_card(record, world)

    said = await world.decide("bo", record, "free_text", "Why now?")

    assert feedback_text(said, record, world.app.people).startswith("Your question goes to Anna Ames, and")
    assert "ask" in offers(record, world.app.people, PersonId("cy"), "console", await world.now())
    await world.next_mail("second", about="Why now?")


def standing_card(record: RequestRecord, world: World) -> str:
    return request_card(record, world.app.people, world.about_now()).model_dump_json()


@pytest.mark.parametrize("way", ["denies it", "writes below it"])
async def test_attack_who_answered_as_somebody_new_takes_it_back_and_is_told_that_it_is_not_theirs(
    world: World, api: Api, way: str
) -> None:
    ada = await api.client("ada", "admin")
    await becomes(world, _ADMINS.replace("cy@corp.example", "second@corp.example"))
    run_id = await world.trigger("ask-of group:release free_text Which one?\npress bell")
    question = await world.opened(run_id)
    await world.decide("cy", question, "free_text", "the bell")
    record = await world.opened(run_id, after=question.request.id)
    assert (await ada.post(_SAME, json={"known_by": "cy@corp.example", "person": "cy"})).json()["id"] == "cy"

    if way == "denies it":
        await world.decide("cy", record, "deny")
    else:
        await world.reply("cy", await world.next_mail("second", about="Which one?"), "stop")

    await world.has(run_id, "failed")
    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_attack_who_asked_as_somebody_new_changes_it_with_a_key_that_may_only_answer(
    world: World, api: Api
) -> None:
    ada = await api.client("ada", "admin")
    await becomes(world, _ADMINS.replace("anna@corp.example", "second@corp.example"))
    request = (await asked(world)).request
    assert (await ada.post(_SAME, json={"known_by": "anna@corp.example", "person": "anna"})).json()["id"] == "anna"

    changed = {"digest": request.digest, "args": {"what": "horn"}}
    said = await (await api.client("anna", "answer")).post(f"/v1/requests/{request.id}/edit", json=changed)

    refused(said, 403, "scope-missing")
    assert (await world.request(request.id)).request.revision == 1


async def test_attack_a_question_that_somebody_was_asked_as_somebody_new_ends_the_run_once_they_are_known(
    world: World, api: Api
) -> None:
    ada, moved = await api.client("ada", "admin"), _ADMINS.replace("anna@corp.example", "second@corp.example")
    await becomes(world, moved)
    run_id = await world.trigger("ask yes_no Shall I go on?")
    await world.next_mail("second", about="Shall I go on?")
    assert (await ada.post(_SAME, json={"known_by": "anna@corp.example", "person": "anna"})).json()["id"] == "anna"
    await becomes(world, moved)

    await world.app.requests.departures.look_at_all()

    await world.reply("anna", await world.next_mail("second", about="Shall I go on?"), "yes")
    await world.has(run_id, "done")


async def is_known_by(office: World, api: Api, person: str) -> None:
    """An operator says who somebody new is, and a worker looks at what is open."""
    admin, known_by = await api.client("ada", "admin"), f"{person}@corp.example"
    assert (await admin.post(_SAME, json={"known_by": known_by, "person": person})).json()["id"] == person
    await office.app.requests.departures.look_at_all()


async def test_attack_who_is_asked_as_somebody_new_is_asked_no_more_once_they_are_known(world: World, api: Api) -> None:
    await becomes(world, _ADMINS.replace("cy@corp.example", "second@corp.example"))
    record = await asked(world)
    await world.next_mail("second", about=record.request.digest)

    await is_known_by(world, api, "cy")

    await world.reply("cy", await world.next_mail("second", about=record.request.digest), "approve")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press bell"]
    kinds = [event.type for event in await world.events(record.request.run_id)]
    assert kinds.count("request_reassigned") == 1


@opens(STEPS + ROLES.replace("eve", "ed"))
async def test_attack_who_is_asked_for_a_step_as_somebody_new_is_brought_to_it_with_each_look(
    world: World, api: Api
) -> None:
    await becomes(world, world.toml.replace("eve@corp.example", "second@corp.example"))
    record = await asked(world, "spending")
    await world.decide("bo", record, "approve")
    await is_known_by(world, api, "eve")
    run_id = record.request.run_id
    before = [event for event in await world.events(run_id) if event.type == "request_reassigned"]

    await world.app.requests.departures.look_at_all()

    assert [event for event in await world.events(run_id) if event.type == "request_reassigned"] == before
    await world.decide("eve", await world.request(record.request.id), "approve")
    await world.ended(run_id)
    assert world.workshop.effects == ["press bell"]


@opens(_ADMINS.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n'))
@pytest.mark.parametrize("before", ["others approve it", "they hand it on"])
async def test_attack_the_no_of_who_could_decide_as_somebody_new_stops_nothing(
    world: World, api: Api, before: str
) -> None:
    await becomes(world, world.toml.replace("cy@corp.example", "second@corp.example"))
    record = await asked(world)
    card = await world.next_mail("second", about=record.request.digest)
    if before == "others approve it":
        await world.steer(record.request.run_id, "pause")
        await world.decide("bo", record, "approve")
    else:
        await world.delegate("cy", record, "dan")
    await is_known_by(world, api, "cy")

    await world.reply("cy", card, "deny")

    async def stopped_by() -> tuple[str, str] | None:
        stands = await world.request(record.request.id)
        return (stands.state, stands.votes[-1].person) if stands.state in {"revoked", "denied"} else None

    state = "revoked" if before == "others approve it" else "denied"
    assert await until(stopped_by, what="it is stopped") == (state, "cy")
    assert world.workshop.effects == []


@opens(_ADMINS.replace("[policies.pair]\n", '[policies.pair]\nbreak_glass = ["person:eve"]\n'))
@pytest.mark.parametrize("who", ["cy", "eve"])
async def test_attack_how_it_ended_is_told_to_nobody_who_decided_it_as_somebody_new(
    world: World, api: Api, who: str
) -> None:
    """Cy is one of two who approve it, and Eve breaks the glass, for which she has no card."""
    await becomes(world, world.toml.replace(f"{who}@corp.example", "second@corp.example"))
    record, bell = await asked(world, "pair"), world.workshop.hold("bell")
    if who == "eve":
        await breaks(world, "eve", record)
    else:
        await world.decide("cy", record, "approve")
        await world.decide("bo", record, "approve")
    await until(lambda: world.workshop.started, what="it has begun")
    await is_known_by(world, api, who)

    bell.set()

    await world.next_mail("second", about="Done: press bell")


async def test_attack_a_run_is_stopped_as_who_may_have_stopped_it_as_somebody_new_counts_as_one_who_left(
    world: World, api: Api
) -> None:
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter", "bo")
    await world.reply("bo", await world.next_mail("bob", "Which version?"), "stop, please")
    await world.next_mail("bob", about="Nothing goes on before you say which")

    await is_known_by(world, api, "bo")

    await world.reply("bo", await world.next_mail("bob", about="Which version?"), "answer: v2")
    await world.has(run_id, "done")


_OPERATES = _ADMINS.replace('operator = ["person:ole"]', 'operator = ["person:bo"]')


@opens(_OPERATES)
async def test_attack_what_an_operator_answers_never_counts_who_may_have_stopped_the_run_as_somebody_new(
    world: World, api: Api
) -> None:
    await becomes(world, at(_OPERATES, "bob@corp.example"))
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter")
    await world.reply("bo", await world.next_mail("bob", "Which version?"), "stop, please")
    await world.next_mail("bob", about="Nothing goes on before you say which")

    await is_known_by(world, api, "bo")
    for _ in range(2):
        await world.app.requests.departures.look_at_all()

    await world.reply("bo", await world.next_mail("bob", about="Which version?"), "answer: v2")
    await world.has(run_id, "done")


_BOTH_OPERATE = _ADMINS.replace('operator = ["person:ole"]', 'operator = ["person:bo", "person:cy"]')


@opens(_BOTH_OPERATE)
async def test_attack_who_may_have_stopped_a_run_as_somebody_new_never_takes_it_back_while_another_may_have(
    world: World, api: Api
) -> None:
    await becomes(world, at(_BOTH_OPERATE, "bob@corp.example"))
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter")
    for person, box in (("bo", "bob"), ("cy", "cy")):
        await world.reply(person, await world.next_mail(box, "Which version?"), "stop, please")
        await world.next_mail(box, about="Nothing goes on before you say which")
    await is_known_by(world, api, "bo")

    await world.reply("bo", await world.next_mail("bob", "Which version?"), "answer: v2")
    await world.next_mail("bob", about="somebody may have stopped the run")
    await world.reply("cy", world.mails("cy")[-1], "answer: v2")

    await world.has(run_id, "done")


@opens(with_mark(_ADMINS, "anna", 'uid = "of-anna"'))
@pytest.mark.parametrize("before", ["others approve it", "it is open"])
async def test_attack_who_decided_as_somebody_new_stops_nothing_as_whoever_asks_has_an_address_of_theirs(
    world: World, api: Api, before: str
) -> None:
    """Cy may be Anna by then, who only asks: that takes no denial away."""
    moved = world.toml.replace("cy@corp.example", "second@corp.example")
    await becomes(world, moved)
    record, admin = await asked(world), await api.client("ada", "admin")
    if before == "others approve it":
        await world.steer(record.request.run_id, "pause")
        await world.decide("bo", record, "approve")
    await becomes(world, moved.replace("anna@corp.example", "cy@corp.example"))
    assert (await admin.post(_SAME, json={"known_by": "cy", "person": "cy"})).json()["id"] == "cy"

    await world.decide("cy", await world.request(record.request.id), "deny")

    stands = await world.request(record.request.id)
    assert stands.state == ("revoked" if before == "others approve it" else "denied")


_LATER = 'escalate_after = "1h"\nescalate_to = ["person:eve", "person:dan"]\nstand_ins = ["person:ole"]\n'


@opens(_ADMINS.replace("[policies.production]\n", f"[policies.production]\n{_LATER}"))
@pytest.mark.parametrize("way", ["it escalates", "it is handed on"])
async def test_attack_who_could_come_to_decide_as_somebody_new_is_never_asked(world: World, api: Api, way: str) -> None:
    who = "eve" if way == "it escalates" else "ole"
    await becomes(world, world.toml.replace(f"{who}@corp.example", "second@corp.example"))
    record = await asked(world)
    await is_known_by(world, api, who)

    if way == "it escalates":
        await world.move_time(3700)
    else:
        await world.delegate("bo", record, who)

    card = await world.next_mail("second", about=record.request.digest)
    await world.reply(who, card, "approve")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press bell"]


async def test_attack_the_answer_to_who_asked_back_as_somebody_new_goes_to_others_and_lacks_the_card(
    world: World, api: Api
) -> None:
    await becomes(world, at(_ADMINS, "bob@corp.example"))
    record = await asked(world)
    await world.reply("bo", await world.next_mail("bob", about=record.request.digest), "Why now?")
    question = await world.next_mail("anna", about="Why now?")
    await is_known_by(world, api, "bo")

    await world.reply("anna", question, "The old one is cracked")

    answer = await world.next_mail("bob", about="The old one is cracked")
    assert record.request.digest in answer.text
    await world.quiet()
    assert not [one for one in world.mails("cy") if "cracked" in one.text]


@opens(ALLOWED + ROLES)
@pytest.mark.parametrize("who", ["whom it serves", "who granted it"])
async def test_attack_a_standing_approval_from_before_they_are_known_is_hidden_from_them_and_its_end_is_told_to_nobody(
    world: World, api: Api, who: str
) -> None:
    person, other = ("anna", "bo") if who == "whom it serves" else ("cy", "anna")
    await becomes(world, world.toml.replace(f"{person}@corp.example", "second@corp.example"))
    standing = (await granted(world, await done_once(world), by=("cy" if person == "cy" else "bo",))).approval
    admin = await api.client("ada", "admin")
    assert (await admin.post(_SAME, json={"known_by": f"{person}@corp.example", "person": person})).is_success

    listed = (await (await api.client(person)).get("/v1/standing")).json()["standing"]
    assert [one["id"] for one in listed] == [standing.id]
    await world.app.requests.standing.revoke(standing.id, PersonId(other), proof=as_by("cli"))

    await world.quiet()
    assert [one for one in world.mails("second") if f"revoked standing approval {standing.id}." in one.text]


@opens(_ADMINS, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_late_answer_of_who_was_asked_as_somebody_new_begins_a_run(
    world: World, api: Api, hallway: Hallway
) -> None:
    await becomes(world, _ADMINS.replace("cy@corp.example", "second@corp.example"))
    record = await in_thread(world, hallway, "ask-of group:release free_text What is broken?")
    await world.decide("bo", record, "free_text", "the bell")
    await world.ended(record.request.run_id)
    await is_known_by(world, api, "cy")

    [card] = record.cards_of(PersonId("cy~2"))
    late = hallway.follows("cy", "press horn", THREAD, is_addressed=True, within=f"at {card}")
    await written(world, late)

    assert [*await world.app.store.lists.runs()] == [record.request.run_id]


@opens(
    _ADMINS + '[policies.solo]\napprovers = ["person:bo"]\nexpires_after = "4h"\n',
    beside=("hallway",),
    reach=("slack", "email"),
)
async def test_attack_the_no_in_a_thread_of_who_was_asked_as_somebody_new_is_for_a_newer_run_that_asks_others(
    world: World, api: Api, hallway: Hallway
) -> None:
    await becomes(world, world.toml.replace("cy@corp.example", "second@corp.example"))
    record = await in_thread(world, hallway, "press bell")
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")
    world.workshop.policy_of["horn"] = "solo"
    newer = await in_thread(world, hallway, "press horn")
    await is_known_by(world, api, "cy")

    await written(world, hallway.follows("cy", "no", THREAD, is_addressed=True))

    assert (await world.request(record.request.id)).state == "revoked"
    assert (await world.request(newer.request.id)).state == "open"
