"""Where those who are left may not decide any more, others are asked or the operators hear of it at once."""

from dataclasses import replace

from agents.events import RequestReassigned
from agents.requests import RequestId, RunId
from agents.requests.record import COMMENTS, RequestRecord
from bot.render.cards import request_card
from bot.render.views import request_view
from bot.store import Keys
from tests.bot.examples import NOON
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.servers.web import serving
from tests.stories.test_absences import away
from tests.stories.test_child_runs import says

SAID = "Everybody who asked has left"
SOLO = (
    TOML
    + """
[policies.solo]
approvers = ["person:bo"]
expires_after = "4h"

[roles]
operator = ["person:bo"]
"""
)

IN_ORDER = (
    TOML
    + """
[policies.in_order]
expires_after = "4h"

[[policies.in_order.steps]]
name = "first"
approvers = ["person:bo", "person:cy"]

[[policies.in_order.steps]]
name = "second"
approvers = ["person:cy"]
"""
)

EVE = '\n[people.eve]\nname = "Eve Eaton"\nemail = "eve@corp.example"\n'
ROB = '\n[people.rob]\nname = "Rob Roe"\nemail = "rob@corp.example"\ngroups = ["release"]\n'


def with_slack(toml: str, person: str, member: str) -> str:
    return toml.replace(f'"{person}@corp.example"', f'"{person}@corp.example"\nslack = "{member}"')


def still_two(toml: str) -> str:
    return toml.replace("[policies.pair]\n", "[policies.pair]\nquorum = 2\n")


async def reassigned(world: World, run_id: str) -> list[RequestReassigned]:
    return [event for event in await world.events(run_id) if isinstance(event, RequestReassigned)]


async def test_operators_hear_of_a_request_that_nobody_is_left_to_decide_and_what_would_help(world: World) -> None:
    world.workshop.policy_of["bell"] = "pair"
    run_id = await world.trigger("press bell")
    await world.opened(run_id)

    await becomes(world, without(without(TOML, "bo"), "cy").replace('"group:release"', '"person:anna"'))

    text = " ".join((await world.next_mail("dan", "Nobody is left to decide: Press bell")).text.split())
    assert "Bo Berg (has left) and Cy Cole (has left)" in text
    assert "What would help: put people into the approvers of the policy 'pair'" in text
    await world.ended(run_id)


@opens(toml=SOLO)
async def test_attack_an_operator_who_decides_and_writes_to_the_run_leaves_nobody_to_decide(world: World) -> None:
    world.workshop.policy_of["bell"] = "solo"
    world.workshop.hold("bell")
    run_id = await world.trigger("ask-of group:release free_text Which bell?\npress bell")
    question = await world.opened(run_id)
    asked = await world.next_mail("bo", "Which bell?")
    await world.decide("cy", question, "free_text", "the small one")
    gate = await world.opened(run_id, after=question.request.id)
    await world.decide("bo", gate, "approve")
    await until(lambda: world.workshop.started, what="it presses")
    async with world.stopped():
        pass
    unknown = await world.opened(run_id, after=gate.request.id)

    await world.reply("bo", asked, "Take the one in the hall, please")

    await world.next_mail("dan", unknown.request.title)
    [event] = await reassigned(world, run_id)
    assert (event.why, event.person, event.to) == ("excluded", "bo", ("dan",))


@opens(TOML.replace('[alerts]\nto = ["person:dan"]\n', ""))
async def test_who_asked_reads_that_nobody_is_asked_what_happened_where_nobody_is_left_who_could_say(
    world: World,
) -> None:
    toml = world.toml
    world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    gate = await world.opened(run_id)
    await world.decide("bo", gate, "approve")
    await until(lambda: world.workshop.started, what="it presses")
    async with world.stopped():
        pass
    unknown = await world.opened(run_id, after=gate.request.id)

    await becomes(world, without(without(toml, "bo"), "cy").replace('"group:release"', '"person:anna"'))

    await world.opened(run_id, after=unknown.request.id)
    await world.quiet()
    told = [" ".join(mail.text.split()) for mail in world.mails("anna") if mail.subject.startswith("Unknown")]
    assert ["Bo Berg and Cy Cole are asked" in text for text in told] == [True, False]
    assert "Nobody is there who could say it, and the run waits." in told[-1]
    assert "put people into [alerts]" in told[-1]


@opens(with_slack(TOML, "anna", "U01ANNA"))
async def test_attack_who_may_be_the_one_who_asked_by_a_new_mark_leaves_nobody_to_decide(world: World) -> None:
    toml = world.toml
    world.workshop.policy_of["bell"] = "pair"
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await becomes(world, still_two(without(toml, "anna")))
    assert (await world.request(record.request.id)).state == "open"

    await becomes(world, still_two(with_slack(without(TOML, "anna"), "cy", "U01ANNA")))

    text = " ".join((await world.next_mail("dan", "Nobody is left to decide: Press bell")).text.split())
    assert "may be somebody who asked" in text
    assert (await world.request(record.request.id)).state == "superseded"


@opens(IN_ORDER)
async def test_operators_hear_that_the_only_one_for_a_step_approved_another_one_while_somebody_was_not_here(
    world: World,
) -> None:
    world.workshop.policy_of["bell"] = "in_order"
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    other = World(world.url, world.folder.with_name("other"), IN_ORDER)

    async with beside_it(other):
        people = other.app.people
        there = {one: it for one, it in people.tables.people.items() if one != "bo"}
        people.change(replace(people.tables, people=there))
        await other.decide("cy", record, "approve")

    text = " ".join((await world.next_mail("dan", "Nobody is left to decide: Press bell")).text.split())
    assert "or approved another step, or" in text
    assert "and too few were left who may: Cy Cole." in text
    anew = await world.opened(run_id, after=record.request.id)
    assert (anew.asked.in_step, anew.votes) == (0, ())


async def test_once_everybody_who_asked_has_left_the_card_says_so_and_it_can_still_be_decided(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)

    await becomes(world, without(TOML, "anna"))

    now = await world.request(record.request.id)
    assert now.state == "open"
    for words in (
        request_view(now, world.app.people).says,
        request_card(now, world.app.people, NOON).summary,
    ):
        assert words.startswith("Anna Ames (has left) asks. Everybody who asked has left: nobody is there")
    assert (await world.decide("bo", record, "approve")).type == "decided"
    await world.has(run_id, "done")


@opens(TOML + EVE)
async def test_attack_who_wrote_to_a_run_hears_nothing_of_it_once_whoever_began_it_has_left(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await says(world, run_id, "eve")
    await becomes(world, without(TOML + EVE, "anna"))

    await world.decide("bo", record, "approve")
    await world.has(run_id, "done")

    await world.next_mail("eve", "Done: press bell")


@opens(TOML + EVE)
async def test_attack_who_wrote_to_a_run_never_hears_that_nobody_stands_in_once_whoever_began_it_has_left(
    world: World,
) -> None:
    held = world.workshop.hold("wait")
    world.workshop.policy_of["wait"] = None
    run_id = await world.trigger("stamp wait\npress bell")
    await until(lambda: world.workshop.started == ["stamp wait"])
    await says(world, run_id, "eve")
    await becomes(world, without(TOML + EVE, "anna"))
    held.set()
    await world.opened(run_id)

    await away(world, "bo", None)

    assert "Bo Berg" in (await world.next_mail("eve", about="Somebody is away")).text


async def test_whoever_asked_back_hears_once_that_nobody_is_there_any_more_to_answer(world: World) -> None:
    """Though what others asked since has been answered."""
    record = await world.opened(await world.trigger("press bell"))
    await world.reply("bo", await world.next_mail("bo", about="Press bell?"), "Why now?")
    await world.next_mail("anna", about="Why now?")
    async with serving(world.app) as api:
        for number in range(COMMENTS):
            asks = {"ask": f"And what about number {number}"}
            await (await api.client("cy")).post(f"/v1/requests/{record.request.id}/answer", json=asks)
            await world.decide("anna", record, "free_text", f"number {number} is fine")

    for _ in range(2):
        await becomes(world, without(TOML, "anna"))

    await world.next_mail("bo", about="Nobody can answer your question")
    await world.quiet()
    assert len([one for one in world.mails("bo") if "Nobody can answer" in one.text]) == 1
    assert not [one for one in world.mails("cy") if "Nobody can answer" in one.text]
    assert (await world.request(record.request.id)).state == "open"


async def test_attack_whoever_asked_back_while_nobody_was_there_never_hears_that_somebody_is(world: World) -> None:
    """Anna reads nothing of what was asked meanwhile, and Bo only that nobody is there."""
    await world.opened(await world.trigger("press bell"))
    await becomes(world, without(TOML, "anna"))
    await world.reply("bo", await world.next_mail("bo", about="Press bell?"), "Why now?")
    await world.next_mail("bo", about="Nobody can answer your question")

    await becomes(world, TOML)

    told = await world.next_mail("bo", about="is there again: Anna Ames")
    assert "ask it once more" in " ".join(told.text.split())


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_a_card_in_slack_says_no_more_that_all_have_left_once_somebody_who_asked_is_back(
    world: World, hallway: Hallway
) -> None:
    await world.opened(await world.trigger("press bell"))
    await until(lambda: hallway.to("bo", "Press bell?"), what="the card is there")
    await becomes(world, without(TOML, "anna"))
    await until(lambda: any(SAID in one.summary for one in hallway.shown.values()), what="the card says it")

    await becomes(world, TOML)

    await world.quiet()
    assert {one.summary for one in hallway.shown.values()} == {"Anna Ames asks."}


async def test_who_has_an_answer_hears_nothing_of_that(world: World) -> None:
    await world.opened(await world.trigger("press bell"))
    await world.reply("bo", await world.next_mail("bo", about="Press bell?"), "Why now?")
    await world.reply("anna", await world.next_mail("anna", about="Why now?"), "The shop is down.")
    await world.next_mail("bo", about="The shop is down.")

    await becomes(world, without(TOML, "anna"))

    await world.quiet()
    assert not [one for one in world.mails("bo") if "Nobody can answer" in one.text]


async def test_attack_nobody_is_asked_about_an_unknown_effect_as_whoever_approved_it_left_before(world: World) -> None:
    run_id, gate = await pressing(world)

    unknown = await asked_after(world, run_id, gate, ('Dorn"', 'Dorn"\ngroups = ["release"]'))

    assert [holder.person for holder in unknown.holders] == ["dan"]
    assert "Dan Dorn are asked" in (await world.next_mail("anna", about="Unknown")).text
    await world.decide("dan", unknown, "free_text", "1")
    assert await world.summary(run_id) == "done: ok: a person confirmed that it happened"
    assert await world.dead() == []


async def asked_after(world: World, run_id: RunId, gate: RequestId, change: tuple[str, str]) -> RequestRecord:
    """What people are asked of the effect, once both approvers left by this change of the file and its worker died."""
    world.toml = without(without(TOML, "bo"), "cy").replace(*change)
    await becomes(world, world.toml)
    async with world.stopped():
        pass
    return await world.opened(run_id, after=gate)


async def pressing(world: World) -> tuple[RunId, RequestId]:
    """A run that does what Bo approved, and does not come to its end; and that approval."""
    world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await until(lambda: world.workshop.started, what="it presses")
    return run_id, record.request.id


@opens(f"{TOML}\n[agents.clerk]\nmax_steps = 1\n")
async def test_attack_a_run_waits_for_a_requester_who_left_before_it_asked_whether_it_goes_on(world: World) -> None:
    toml = world.toml
    first = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter\nstamp paper")
    await until(lambda: world.workshop.started, what="its first step")

    await becomes(world, without(toml, "anna").replace("[policies.pair]\n", "[policies.pair]\nquorum = 2\n"))
    first.set()

    record = await world.opened(run_id)
    assert (record.request.purpose, [holder.person for holder in record.holders]) == ("go_on", ["dan"])


async def test_attack_a_run_stays_paused_for_ever_as_everybody_who_asked_has_left(world: World) -> None:
    toml = TOML + EVE
    await becomes(world, toml)
    mine, theirs = await world.trigger("press bell"), await world.trigger("press bell", "eve")
    for run_id in (mine, theirs):
        await world.opened(run_id)
        await world.steer(run_id, "pause", "dan")

    await becomes(world, still_two(without(toml, "anna")))

    told = " ".join((await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text.split())
    assert f"these runs stay paused: {mine}." in told
    assert theirs not in told
    await world.app.requests.departures.look_at_all()
    await world.quiet()
    assert len([one for one in world.mails("dan") if "Paused, and nobody" in one.text]) == 1


GONE = still_two(without(TOML, "anna"))


async def test_attack_a_run_whose_effect_nobody_knows_stays_paused_for_ever_once_somebody_says_what_happened(
    world: World,
) -> None:
    world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    gate = await world.opened(run_id)
    await world.decide("bo", gate, "approve")
    await until(lambda: world.workshop.started, what="it presses")
    async with world.stopped():
        pass
    unknown = await world.opened(run_id, after=gate.request.id)
    await world.steer(run_id, "pause")

    await becomes(world, GONE)

    assert run_id in (await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text
    await world.decide("cy", unknown, "free_text", unknown.request.options[0])
    await world.has(run_id, "paused")


async def test_attack_a_process_dies_over_a_paused_run_of_a_newer_release_that_everybody_who_asked_has_left(
    world: World,
) -> None:
    ours, theirs = await world.trigger("press bell"), await world.trigger("press bell")
    for run_id in (ours, theirs):
        await world.opened(run_id)
        await world.steer(run_id, "pause")
    await world.quiet()
    world.is_tampered = True
    client, key = world.app.store.client, Keys.of(theirs).run(theirs)
    await client.do("XADD", key, f"0-{await world.app.store.length(theirs) + 1}", "e", b'{"type": "newer"}', "c", b"1")

    await becomes(world, GONE)

    text = (await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text
    assert ours in text
    assert theirs not in text


async def test_attack_a_run_stays_paused_for_ever_as_nobody_heard_alerts_when_everybody_who_asked_left(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.steer(run_id, "pause")
    await becomes(world, GONE.replace('[alerts]\nto = ["person:dan"]\n', ""))

    await becomes(world, GONE)

    assert run_id in (await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text


async def test_attack_a_run_stays_paused_for_ever_as_whoever_asked_was_back_and_paused_it_again(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.steer(run_id, "pause")
    await becomes(world, GONE)
    await world.next_mail("dan", "Paused, and nobody is left who asked for it")
    await becomes(world, TOML)
    await world.steer(run_id, "resume")
    await world.steer(run_id, "pause")

    await becomes(world, GONE)

    assert run_id in (await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text


async def test_attack_a_run_stays_paused_for_ever_as_whoever_asked_pauses_it_by_a_process_of_an_older_file(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    async with beside_it(World(world.url, world.folder.with_name("older"), TOML)) as older:
        await becomes(world, GONE)
        await older.steer(run_id, "pause")

    assert run_id in (await world.next_mail("dan", "Paused, and nobody is left who asked for it")).text


async def test_attack_somebody_leaves_who_may_have_stopped_the_run_and_nobody_can_answer_any_more(world: World) -> None:
    run_id = await world.trigger("ask-of group:release free_text Which version?\nstamp letter", "bo")
    await world.opened(run_id)
    await world.reply("bo", await world.next_mail("bo", "Which version?"), "stop, please")
    await world.next_mail("bo", about="Nothing goes on before you say which")

    await becomes(world, without(TOML, "bo"))

    told = " ".join((await world.next_mail("dan", "Stopped, as it may have been: Which version")).text.split())
    assert "before they said whether they did: Bo Berg (has left)" in told
    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == []


@opens(toml=TOML + ROB, beside=("hallway",), reach=("slack", "email"))
async def test_whoever_asked_back_hears_of_it_also_where_one_who_had_voted_leaves_with_whoever_asked(
    world: World, hallway: Hallway
) -> None:
    """One save takes Anna and Bo away: others are asked for Bo, and the cards say of Anna what they say without him."""
    world.workshop.policy_of["bell"] = "pair"
    record = await world.opened(await world.trigger("press bell"))
    await until(lambda: hallway.to("cy", "Press bell?"), what="the card is there")
    await world.decide("cy", record, "free_text", "Why now?", channel="email")
    await world.decide("bo", record, "approve")

    await becomes(world, still_two(without(without(TOML + ROB, "anna"), "bo")))

    await world.next_mail("cy", about="Nobody can answer your question")

    await becomes(world, TOML + ROB)

    await world.next_mail("cy", about="is there again: Anna Ames")
    await world.quiet()
    own, void = "Your message decided nothing", "Counts no more: the approval of Bo Berg."
    said = [one.summary.replace(f" {void}", "").split("\n") for one in hallway.shown.values()]
    assert [lines[0] for lines in said] == ["Anna Ames asks."] * len(said)
    assert [lines[1].partition(":")[0] for lines in said if lines[1:]] == [own], "Cy asked back"
