"""Somebody else gets the id of a person that has left, and somebody gets another id: neither is a way to approve."""

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.policy.due import waited_for
from bot.policy.judgements import Counted, Decided, DelegationRefused, NotEntitled
from bot.render.request_card import approvals
from tests.bot.inbound.test_follow_ups import THREAD, said, written
from tests.bot.inbound.test_follow_ups import asked as in_thread
from tests.bot.queries.test_overview import looks
from tests.bot.web.console.stage import buttons, place
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import Api
from tests.stories.people.standing import ALLOWED, done_once, granted, is_asked, the_only
from tests.stories.test_audit import asked

_ANNA = '\n[people.anna]\nname = "Anna Zimmer"\nemail = "anna.zimmer@corp.example"\n'
# Anna has another id by now, and may decide for others.
_AMES = TOML.replace("[people.anna]", "[people.ames]").replace(
    'email = "anna@corp.example"\n', 'email = "anna@corp.example"\ngroups = ["release"]\n'
)


async def replaced(office: World, toml: str, person: str, by: str) -> None:
    """Somebody leaves, and somebody else gets their id."""
    await becomes(office, without(toml, person))
    await becomes(office, without(toml, person) + by)


async def under_way(office: World) -> RunId:
    """A run of Anna's that stamps, and asks when it goes on."""
    run_id = await office.trigger("stamp paper\npress bell")
    await until(lambda: "stamp paper" in office.workshop.started, what="it stamps")
    return run_id


@opens(ALLOWED)
async def test_attack_a_namesake_uses_a_standing_approval(world: World) -> None:
    await granted(world, await done_once(world))
    await replaced(world, ALLOWED, "anna", _ANNA)

    assert await is_asked(world)

    assert world.workshop.effects == ["press bell"]
    standing = await the_only(world)
    assert world.app.people.named("anna") not in world.app.requests.standing.concerned(standing)


@opens(ALLOWED)
async def test_attack_a_run_of_somebody_who_has_left_uses_what_their_namesake_has(world: World) -> None:
    held = world.workshop.hold("paper")
    run_id = await under_way(world)
    await replaced(world, ALLOWED, "anna", _ANNA)
    await granted(world, await done_once(world))

    held.set()

    await world.opened(run_id)
    assert world.workshop.effects == ["press bell", "stamp paper"]


async def test_attack_a_namesake_sees_and_steers(world: World) -> None:
    async with a_console(world) as console:
        record = await asked(world)
        request, run_id = record.request.id, record.request.run_id
        assert (await (await console.api.client("anna")).get(f"/v1/runs/{run_id}")).status_code == 200
        await replaced(world, TOML, "anna", _ANNA)
        own = await world.opened(await world.trigger("press horn"))

        anna, page = await console.api.client("anna"), await console.browser("anna")
        seen = [await anna.get(f"/v1/runs/{run_id}"), await anna.get(f"/v1/requests/{request}")]
        wanted = {"args": {"what": "horn"}, "digest": record.request.digest}
        changed = await anna.post(f"/v1/requests/{request}/edit", json=wanted)
        cancelled = await anna.post(f"/v1/runs/{run_id}/cancel")
        denied = await world.decide("anna", record, "deny")

        assert [one.status_code for one in (*seen, changed, cancelled)] == [404] * 4
        assert isinstance(denied, NotEntitled)
        assert (await world.request(request)).state == "open"
        listed = (await anna.get("/v1/requests")).json()["requests"]
        assert [one["id"] for one in listed] == [own.request.id]
        shown = (await page.get("/requests?all")).html
        assert (own.request.id in shown, request in shown) == (True, False)


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_namesake_writes_in_the_thread(world: World, hallway: Hallway) -> None:
    record = await in_thread(world, hallway, "press bell")
    await replaced(world, TOML, "anna", _ANNA)

    namesake = world.app.people.named("anna")
    await written(world, hallway.follows(namesake, "cancel", THREAD))
    await written(world, hallway.follows(namesake, "press the horn", THREAD))

    now = await world.request(record.request.id)
    assert (now.state, now.request.remarks, now.joined) == ("open", (), ())
    assert await said(world, record.request.run_id) == []


async def test_attack_a_request_is_handed_on_to_another_id_of_whoever_asked_or_they_are_asked_as_others_leave(
    world: World,
) -> None:
    record = await asked(world)
    await becomes(world, _AMES)

    handed_on = await world.delegate("bo", record, "ames")

    assert isinstance(handed_on, DelegationRefused)
    assert handed_on.kind == "requester"
    await becomes(world, without(without(_AMES, "bo"), "cy"))
    await world.quiet()
    left = await world.request(record.request.id)
    assert "ames" not in {holder.person for holder in left.holders}
    assert isinstance(await world.decide("ames", left, "approve"), NotEntitled)


_SOLO = '\n[policies.solo]\napprovers = ["person:ames", "person:bo"]\nexpires_after = "4h"\n'


def of_ames(world: World) -> None:
    """Put the bell under a policy by which whoever the file calls Ames decides, or Bo."""
    world.workshop.policy_of["bell"] = "solo"


@opens(TOML + '\n[people.ames]\nname = "Al Ames"\nemail = "al@corp.example"\n' + _SOLO, change=of_ames)
async def test_attack_who_asked_comes_to_decide_under_another_id(world: World) -> None:
    async with a_console(world) as console:
        record = await world.opened(await world.trigger("press bell"))
        assert "Approve" in buttons(await (await console.browser("ames")).get(place(record)))
        await becomes(world, _AMES + _SOLO)  # in one go, so that nobody seems to have left

        shown = buttons(await (await console.browser("ames")).get(place(record)))
        card = await looks(world, record, world.app.people.named("ames"), at="ames")
        assert "Approve" not in shown
        assert not (card.form and card.form.act("approve"))
        assert isinstance(await world.decide("ames", record, "approve"), NotEntitled)
        path, ames = f"/v1/requests/{record.request.id}/answer", await console.api.client("ames", "answer")
        refused(await ames.post(path, json={"text": "take the horn instead"}), 403, "scope-missing")

        now = await world.request(record.request.id)
        assert (now.state, now.request.revision, now.request.remarks) == ("open", 1, ())


def release(world: World) -> None:
    """Put the bell under a policy by which two of the release group decide."""
    world.workshop.policy_of["bell"] = "pair"


_THREE = TOML.replace('email = "dan@corp.example"\n', 'email = "dan@corp.example"\ngroups = ["release"]\n')
_MOVED = _THREE.replace("bo@corp.example", "bo.berg@corp.example")


def _with_another_bo(toml: str) -> str:
    """The file in which somebody else has the id of Bo."""
    return toml.replace('"Bo Berg"', '"Bo Zander"').replace("bo@corp.example", "bo.zander@corp.example")


async def half_approved(office: World) -> RequestRecord:
    """What Bo, the first of two, has approved."""
    record = await office.opened(await office.trigger("press bell"))
    assert isinstance(await office.decide("bo", record, "approve"), Counted)
    return record


@opens(_THREE, change=release)
async def test_attack_a_void_vote_counts_again_for_a_namesake(world: World) -> None:
    record = await half_approved(world)
    await becomes(world, without(_THREE, "bo").replace("[policies.pair]\n", "[policies.pair]\nquorum = 2\n"))
    assert (await world.request(record.request.id)).votes == ()

    await becomes(world, _with_another_bo(_THREE))

    assert isinstance(await world.decide("cy", record, "approve"), Counted)
    now = await world.request(record.request.id)
    [counted] = approvals(now, world.app.people)
    assert counted.text.partition(" at ")[0] == "1 of 2: Cy Cole"
    assert isinstance(await world.decide("bo", now, "approve"), NotEntitled)
    assert isinstance(await world.decide("dan", now, "approve"), Decided)
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press bell"]


@opens(_THREE, change=release)
async def test_whoever_has_another_address_has_left_and_the_others_are_told(world: World) -> None:
    record = await half_approved(world)

    await becomes(world, _MOVED)

    now = await world.request(record.request.id)
    assert (now.votes, [vote.person for vote in now.void]) == ((), ["bo"])
    assert isinstance(await world.decide("bo", now, "approve"), NotEntitled)
    now = await world.request(record.request.id)
    assert "Counts no more" in {fact.label for fact in (await looks(world, now, "cy")).facts}
    await world.app.requests.departures.look_at_all()
    assert (await world.request(record.request.id)) == now


@opens(_THREE, change=release)
async def test_attack_what_a_namesake_seems_to_have_approved_starts(world: World) -> None:
    record = await half_approved(world)
    await world.steer(record.request.run_id, "pause")
    assert isinstance(await world.decide("cy", record, "approve"), Decided)
    await becomes(world, _with_another_bo(_THREE))

    await world.steer(record.request.run_id, "resume")

    again = await until(lambda: asked_again(world, record), what="people are asked again")
    assert (again.state, again.votes, world.workshop.effects) == ("open", (), [])
    assert (await world.request(record.request.id)).state == "superseded"


async def asked_again(office: World, record: RequestRecord) -> RequestRecord | None:
    """What is asked in place of `record`, once it is."""
    pending = (await office.run(record.request.run_id)).pending
    request = pending.request if pending else None
    return await office.request(request.id) if request and request.id != record.request.id else None


def in_steps(world: World) -> None:
    """Put the bell under a policy of two steps."""
    world.workshop.policy_of["bell"] = "spending"


@opens(STEPS, change=in_steps)
async def test_attack_a_namesake_seems_to_have_approved_an_earlier_step(world: World) -> None:
    record = await half_approved(world)
    assert (await world.request(record.request.id)).asked.in_step == 1

    await becomes(world, _with_another_bo(STEPS))

    now = await world.request(record.request.id)
    assert (now.asked.in_step, [*filter(world.app.people.is_here, waited_for(now))]) == (0, ["dan"])
    assert isinstance(await world.decide("eve", now, "approve"), NotEntitled)
    assert isinstance(await world.decide("bo", now, "approve"), NotEntitled)
    assert isinstance(await world.decide("dan", now, "approve"), Counted)
    later = await world.request(record.request.id)
    assert isinstance(await world.decide("eve", later, "approve"), Decided)


_CI = TOML + '\n[roles]\noperator = ["person:dan"]\n'
_BOB = _CI.replace("[people.bo]", "[people.bob]")


@opens(_CI)
async def test_attack_who_holds_a_services_key_approves_under_another_id(world: World, api: Api) -> None:
    ci = await api.client(None, "trigger", "read", service="ci", acts_for=["anna"], holders=["bo"])
    await becomes(world, _BOB)

    started = await ci.post("/v1/runs", json={"text": "press bell"})

    record = await world.opened(started.json()["id"])
    assert record.request.requesters == ("anna", "bo")
    assert isinstance(await world.decide("bob", record, "approve"), NotEntitled)
    assert isinstance(await world.decide("cy", record, "approve"), Decided)


@opens(_CI)
async def test_attack_a_services_key_asks_and_looks_for_a_namesake(world: World, api: Api) -> None:
    ci = await api.client(None, "trigger", "read", service="ci", acts_for=["anna"], holders=["cy"])
    await replaced(world, _CI, "anna", _ANNA)
    run_id = await world.trigger("press bell")

    refused(await ci.post("/v1/runs", json={"text": "press bell", "requester": "anna"}), 403, "not-yours")

    assert (await ci.get("/v1/runs")).json()["runs"] == []
    assert (await ci.get(f"/v1/runs/{run_id}")).status_code == 404


async def test_attack_a_request_is_opened_for_another_id_of_whoever_asked(world: World) -> None:
    held = world.workshop.hold("paper")
    run_id = await under_way(world)
    await becomes(world, _AMES)

    held.set()

    record = await world.opened(run_id)
    assert world.app.people.named("ames") == "anna"
    assert "anna" not in {holder.person for holder in record.holders}
    assert isinstance(await world.decide("ames", record, "approve"), NotEntitled)
