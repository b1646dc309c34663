"""Words that people type in Slack belong to the run that lives there, wherever something of it stands."""

import pytest
from httpx2 import AsyncClient

from agents.events import AnswerNoted, PersonSaid
from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from bot.store.keys import Keys
from tests.fakes.slack.driver import Message, Person
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes, without
from tests.kit.waiting import until

TOML_WITH_PLACE = (
    TOML.replace("[policies.production]\n", '[policies.production]\nalso_post = ["slack:#news"]\n')
    + '\n[roles]\noperator = ["person:bo"]\n'
)


@pytest.fixture
async def news(idle: SlackWorld) -> SlackWorld:
    """One whose cards stand in #news as well."""
    await idle.slack.channel("news", idle.bo, idle.dan, idle.slack.bot)
    return idle


async def said(office: SlackWorld, count: int = 1) -> list[tuple[str, str]]:
    """Return what was said to the only run, once it is so much."""
    run_id = await office.only_run()

    async def found() -> list[tuple[str, str]]:
        events = await office.world.events(run_id)
        words = [event for event in events if isinstance(event, PersonSaid | AnswerNoted)]
        heard = [(str(event.person), event.text) for event in words]
        return heard if len(heard) >= count else []

    return await until(found, what=f"{count} things were said to the run")


async def test_what_follows_a_mention_at_once_is_heard_by_the_run_that_begins_later(idle: SlackWorld) -> None:
    await idle.world.start(works=False)
    await idle.slack.connected()

    asked = await idle.anna.says("#ops", "@sayso press bell")
    await idle.slack.settled()
    await idle.dan.answers(asked, "the big one")
    await idle.slack.settled()
    await idle.world.stop()
    await idle.world.start()

    assert await said(idle) == [("dan", "the big one")]


@pytest.mark.long
async def test_below_the_first_message_of_a_command_people_write_to_its_run(office: SlackWorld) -> None:
    office.world.workshop.hold("letter")

    await office.anna.commands("/sayso", "stamp letter", in_="#ops")
    root = await office.says("#ops", "Anna Ames: “stamp letter”")
    line = await office.says(root, "Running: ")
    assert line.ts != root.ts
    await office.anna.answers(root, "the red stamp")

    assert await said(office) == [("anna", "the red stamp")]
    office.world.workshop.hold("letter").set()
    await office.becomes(line, "Done")
    assert await statuses(office, root, "active") == ["processing", "active"]


async def statuses(office: SlackWorld, root: Message, last: str) -> list[str]:
    """Return what Slack itself showed beside a thread, each once, when the `last` one is there."""

    async def found() -> list[str] | None:
        calls = [call["args"] for call in await office.slack.calls("agents.sessions.setStatus")]
        shown = [each["status"] for each in calls if each["thread_ts"] == root.ts]
        return list(dict.fromkeys(shown)) if shown[-1:] == [last] else None

    return await office.slack.until(found, f"the status is {last}")


async def in_news(office: SlackWorld) -> Message:
    """The card in #news, where all see it."""
    await office.world.start()
    await office.slack.connected()
    await office.world.trigger("press bell")
    return await office.says("#news", "Press bell?")


@opens(toml=TOML_WITH_PLACE)
async def test_attack_a_freeze_beside_a_stop_below_a_card_that_nobody_knows_yet_is_told_over_and_over(
    news: SlackWorld,
) -> None:
    await news.slack.breaks("chat.postMessage", "http_500_after")
    card = await in_news(news)

    await news.bo.answers(card, "stop! freeze workshop: incident 4711")

    await news.world.ended(await news.only_run())
    await news.world.quiet()
    told = [one for one in await news.slack.messages("@bo") if "workshop: Frozen since" in f"{one.text} {one.words}"]
    assert len(told) == 1


async def test_attack_a_no_below_a_card_of_a_dm_whose_post_nobody_answered_begins_a_run(office: SlackWorld) -> None:
    await office.slack.breaks("chat.postMessage", "http_500_after", times=3)
    await office.world.trigger("press bell")
    card = await office.says("@bo", "Press bell?")

    await office.bo.answers(card, "what is this for?")

    assert await said(office) == [("bo", "what is this for?")]
    await office.world.quiet()
    assert len(await office.runs()) == 1


async def test_attack_a_stop_in_the_thread_of_a_question_that_was_answered_is_lost(office: SlackWorld) -> None:
    goes_on = office.world.workshop.hold("letter")
    asked = await office.anna.says("@sayso", "ask free_text Which one?\nstamp letter\nstamp cup")
    await office.says("@anna", "To answer, write in this thread")
    await office.anna.answers(asked, "the big one")
    await until(lambda: office.world.workshop.started, what="it stamps")

    await office.anna.answers(asked, "Stopp, bitte doch nicht")
    await office.says("@anna", "Too late: it was started")
    goes_on.set()

    assert (await office.world.ended(await office.only_run())).state == "cancelled"
    assert office.world.workshop.effects == ["stamp letter"]


async def hears(office: SlackWorld, where: str, told: str) -> None:
    """Anna hears it where she wrote, and nobody else."""
    if where == "@sayso":
        await office.says("@anna", told)
    else:
        await office.anna.sees_ephemeral(told)


async def test_attack_whoever_edits_the_line_of_an_absence_believes_that_it_is_set(office: SlackWorld) -> None:
    line = await office.bo.says("#ops", "@sayso away until Monday")
    await office.bo.sees_ephemeral("This sets no absence")

    await office.bo.edits(line, "@sayso away until 2036-12-01: cy")

    await office.bo.sees_ephemeral("that changes nothing: what you wrote at first stands")
    assert await office.world.app.requests.absences.all() == []


@pytest.mark.parametrize(("where", "does"), [("#ops", "edits"), ("@sayso", "deletes")])
async def test_attack_a_wish_that_slack_brings_again_begins_as_it_was_before_its_writer_changed_it(
    idle: SlackWorld, where: str, does: str
) -> None:
    await idle.slack.settings(retry_after_s=[60.0])
    await idle.world.start(receives=False)
    call = "@sayso " if where == "#ops" else ""
    wish = await idle.anna.says(where, f"{call}press bell")

    async def is_late() -> bool:
        return all(one["tries"] for one in await idle.slack.deliveries())

    await until(is_late, what="nobody is there to take it")
    await idle.world.stop()
    await idle.world.start()
    await idle.slack.connected()
    await (idle.anna.edits(wish, f"{call}press gong") if does == "edits" else idle.anna.deletes(wish))

    async def is_taken() -> bool:
        return (await idle.slack.deliveries())[-1]["state"] == "acked"

    await until(is_taken, what="that it was changed is taken")
    await idle.slack.moves_clock(61)

    await hears(idle, where, "You wrote stop below it, or edited or deleted it, before it came here")
    await idle.world.quiet()
    assert await idle.runs() == []
    await idle.anna.says(where, f"{call}press gong")
    await idle.bo.presses("Approve", in_=await idle.card("#ops" if where == "#ops" else "@bo", "Approve"))
    await idle.world.ended(await idle.only_run())
    assert idle.world.workshop.effects == ["press gong"]


@opens(toml=TOML_WITH_PLACE)
async def test_attack_a_freeze_that_an_operator_makes_of_their_own_message_is_lost(news: SlackWorld) -> None:
    await news.world.start()
    await news.slack.connected()
    wrong = await news.bo.says("@sayso", "press workshop: incident 4711")
    await news.only_run()

    await news.bo.edits(wrong, "freeze workshop: incident 4711")
    await news.says("@bo", "workshop: Frozen since")
    await news.bo.edits(wrong, "unfreeze workshop: fixed")
    await news.slack.settled()
    await news.world.quiet()

    assert [one.environment for one in await news.world.app.requests.freezes.all()] == ["workshop"]
    assert len(await news.runs()) == 1


@opens(toml=TOML_WITH_PLACE)
async def test_attack_a_no_below_a_card_that_nobody_knows_yet_is_lost_while_no_worker_lives(news: SlackWorld) -> None:
    await news.slack.breaks("chat.postMessage", "http_500_after", times=9)
    card = await in_news(news)
    await news.world.stop()
    await news.world.start(works=False)
    await news.slack.connected()

    await news.bo.answers(card, "Stop, please do not press it")
    await news.slack.settled()
    await news.world.stop()
    await news.world.move_time(90)
    await news.world.start()

    await news.world.ended(await news.only_run())
    assert news.world.workshop.effects == []


async def test_attack_a_stop_is_lost_below_a_wish_that_waits_until_the_message_above_is_known(
    office: SlackWorld,
) -> None:
    token = {"Authorization": f"Bearer {office.slack.bot_token}"}
    async with AsyncClient(base_url=office.slack.base_url, headers=token) as web:
        await web.post("chat.postMessage", data={"channel": office.ops, "text": "v1 is live"})
    above = await office.says("#ops", "v1 is live")
    await office.anna.answers(above, "@sayso press bell")
    await office.slack.settled()
    await office.slack.moves_clock(130)

    await office.anna.answers(above, "stop")
    await office.slack.settled()
    await office.world.move_time(70)

    assert (await office.world.ended(await office.only_run())).state != "done"
    assert office.world.workshop.effects == []


async def comes_to_rest(office: SlackWorld) -> None:
    await office.slack.settled()
    await office.world.quiet()


async def state(office: SlackWorld, record: RequestRecord) -> str:
    return (await office.world.request(record.request.id)).state


async def told(person: Person, words: str) -> int:
    """How often they read it where nobody else does."""
    return len([one for one in await person.ephemerals() if words in f"{one.text}\n{one.words}"])


async def test_attack_a_stop_of_ones_own_is_lost_by_how_it_is_written(office: SlackWorld) -> None:
    async def of_the_wish(wish: Message) -> None:
        await office.anna.edits(wish, "stop, wrong bell")

    async def of_an_answer(wish: Message) -> None:
        await office.anna.edits(await office.anna.answers(wish, "stpo"), "stop, wrong bell")

    async def of_somebody_else(wish: Message) -> None:
        await office.dan.edits(await office.dan.says("#ops", "hello", thread=wish), "stop, wrong bell")

    async def calls_somebody(wish: Message) -> None:
        await office.anna.answers(wish, "@bo: stop the run, wrong bell")

    async def below_a_newer_run(wish: Message) -> None:
        runs = await office.runs()
        about = await office.cy.says("#ops", "what about the cup?", thread=wish)
        assert (await office.dan.uses_shortcut("ask_about", on=about)).acked
        await office.dan.sees_modal("cup")
        await office.dan.submits({"What should be done?": "who"})
        [newer] = await until(lambda: begun_since(office, runs), what="another run begins")
        await office.world.ended(newer)
        await office.anna.answers(wish, "stop")

    for writes, became in (
        (of_the_wish, "withdrawn"),
        (of_an_answer, "withdrawn"),
        (of_somebody_else, "open"),
        (calls_somebody, "withdrawn"),
        (below_a_newer_run, "withdrawn"),
    ):
        wish, _, record = await office.asked()
        await writes(wish)
        await comes_to_rest(office)
        assert await state(office, record) == became, writes.__name__


async def test_attack_a_stop_is_lost_as_it_is_marked_up_or_a_quote_of_somebody_is_taken_for_one(
    office: SlackWorld,
) -> None:
    wish, _, record = await office.asked()

    await office.anna.answers(wish, "> stop")
    await until(lambda: told(office.anna, "answer with deny, stop or cancel"), what="Anna is told how to stop it")
    assert await state(office, record) == "open"
    await office.anna.answers(wish, "*stop* the bell is wrong")
    await comes_to_rest(office)

    assert await state(office, record) == "withdrawn"


async def begun_since(office: SlackWorld, before: list[RunId]) -> list[RunId]:
    return [one for one in await office.runs() if one not in before]


async def test_attack_whoever_edits_what_they_wrote_believes_that_it_is_changed(office: SlackWorld) -> None:
    wish, _, record = await office.asked()
    line = await office.bo.answers(wish, "only after 19:00")
    await comes_to_rest(office)

    await office.anna.edits(wish, "@sayso press gong")
    unchanged = "that changes nothing: what it asked for at first goes on. To ask for something else, write stop"
    await office.anna.sees_ephemeral(f"{unchanged} {record.request.run_id}")
    await office.bo.edits(line, "only before 17:00, the auditors come later")
    stands = "that changes nothing: what you wrote at first stands. If you mean something else, write that in a new"
    await office.bo.sees_ephemeral(stands)

    await office.bo.presses("Approve", in_=await office.card(wish, to_press="Approve"))
    await office.world.ended(record.request.run_id)
    assert office.world.workshop.effects == ["press bell"]
    await office.anna.edits(wish, "@sayso press gong, please")
    await office.bo.edits(line, "never mind")
    await comes_to_rest(office)
    assert (await told(office.anna, "changes nothing"), await told(office.bo, stands)) == (1, 1), "it is over"
    assert await office.only_run() == record.request.run_id


async def test_attack_whoever_deletes_their_wish_believes_that_it_is_stopped(office: SlackWorld) -> None:
    wish, _, record = await office.asked(above=await office.cy.says("#ops", "hello"))
    run_id = record.request.run_id
    words = await office.anna.answers(wish, "the big one")
    await comes_to_rest(office)
    await office.anna.deletes(words)
    await comes_to_rest(office)
    assert await told(office.anna, "deleted") == 0

    await office.anna.deletes(wish)

    await office.anna.sees_ephemeral(f"stops nothing: what it asked for goes on. To stop it, write stop {run_id}.")
    assert await state(office, record) == "open"
    await office.anna.says("#ops", f"@sayso stop {run_id}")
    await office.world.ended(run_id)
    assert await state(office, record) == "withdrawn"
    assert await office.only_run() == run_id

    over, card, record = await office.asked()
    await office.bo.presses("Deny", in_=card)
    await office.world.ended(record.request.run_id)
    before = await told(office.anna, "deleted")
    await comes_to_rest(office)
    await office.anna.deletes(over)
    await comes_to_rest(office)
    assert await told(office.anna, "deleted") == before, "no run goes on for it"


async def test_what_is_typed_in_a_direct_message_is_for_the_run_that_stands_there(office: SlackWorld) -> None:
    record = await office.world.opened(await office.world.trigger("press bell"))
    await office.bo.answers(await office.card("@bo", "Approve"), "yes")
    assert await said(office) == [("bo", "yes")]
    assert (await office.says("@bo", "Typed words do not approve this")).user == "U0BOT"

    await office.world.app.requests.freezes.freeze("", PersonId("cy"), "incident", proof=None)
    await office.world.decide("bo", await office.world.request(record.request.id), "approve")
    await office.anna.answers(await office.says("@anna", "Frozen since"), "stop")

    async def is_revoked() -> bool:
        return await state(office, record) == "revoked"

    await until(is_revoked, what="the approval is taken back")
    assert await office.only_run()


async def test_attack_a_stop_is_lost_as_the_thread_holds_the_card_of_a_child_that_has_ended(office: SlackWorld) -> None:
    goes_on = office.world.workshop.hold("letter")
    asked = await office.anna.says("#ops", "@sayso start_run press bell\nstamp letter\nstamp cup")
    await office.bo.presses("Approve", in_=await office.card("#ops", to_press="Approve"))
    await until(lambda: "stamp letter" in office.world.workshop.started, what="it stamps")

    await office.anna.answers(asked, "stop")
    await office.anna.sees_ephemeral("Too late: it was started")
    goes_on.set()

    await office.world.quiet()
    assert office.world.workshop.effects == ["press bell", "stamp letter"]


@pytest.mark.parametrize("is_taken", [False, True], ids=["nobody reads it", "another worker reads it"])
async def test_attack_an_approval_overtakes_a_stop_that_was_written_before_it_while_no_worker_lived(
    office: SlackWorld, *, is_taken: bool
) -> None:
    wish, card, record = await office.asked()
    await office.world.quiet()
    await office.world.stop()
    await office.world.start(works=False)
    await office.slack.connected()

    await office.anna.answers(wish, "stop")
    await office.slack.settled()
    if is_taken:  # by one that dies before it has read it
        store = office.world.app.store
        taken = [await store.client.do("ZPOPMIN", Keys(shard).answers) for shard in range(store.shards)]
        assert any(taken)
    await office.bo.presses("Approve", in_=card)
    await office.slack.settled()
    await office.world.stop()
    await office.world.start()

    await office.world.ended(record.request.run_id)
    assert await state(office, record) in {"withdrawn", "revoked"}
    assert office.world.workshop.effects == []


@pytest.mark.parametrize("words", ["no", "The tag is the wrong one, I meant bell 2"])
async def test_attack_words_of_who_asked_as_somebody_new_steer_nothing_below_the_card(
    idle: SlackWorld, words: str
) -> None:
    """An operator has said since that she is Anna: her no takes it back, and other words void what was voted."""
    office, admin = idle.world, PersonId("dan")
    office.workshop.policy_of["bell"] = "pair"
    await office.start()
    await idle.slack.connected()
    await becomes(office, office.toml.replace("anna@corp.example", "second@corp.example"))
    wish, card, record = await idle.asked()
    await office.app.register.same("anna@corp.example", "anna", admin, proof=None)
    assert (await idle.bo.presses("Approve", in_=card)).acked

    await idle.anna.answers(wish, words)

    async def found() -> RequestRecord | None:
        now = await office.request(record.request.id)
        return now if now.state == "withdrawn" or (now.request.revision == 2 and not now.votes) else None

    await until(found)


async def test_attack_the_line_of_a_run_says_for_ever_that_it_waits_once_whoever_began_it_has_left(
    office: SlackWorld,
) -> None:
    wish, _, record = await office.asked()
    line = await office.says(wish, "Waiting for Bo Berg or Cy Cole")
    await becomes(office.world, without(office.world.toml, "anna"))

    await office.world.decide("bo", record, "approve")

    await office.becomes(line, "Done: press bell")


async def test_attack_the_card_of_who_decided_as_somebody_new_can_be_pressed_for_ever(office: SlackWorld) -> None:
    """Cy has another mail address for a while, and the same Slack id all along."""
    world = office.world
    await becomes(world, world.toml.replace("cy@corp.example", "second@corp.example"))
    record = await world.opened(await world.trigger("press bell"))
    card = await office.card("@cy", "Approve")

    await world.app.register.same("cy@corp.example", "cy", PersonId("ada"), proof=None)
    await world.app.requests.departures.look_at_all()
    await office.slack.until(lambda: has_no_button(office, card), "its buttons are gone")
    await world.decide("cy", record, "approve")

    await office.becomes(card, "Done: Press bell")


async def test_attack_the_card_of_who_may_stop_it_loses_that_button_once_they_are_known(office: SlackWorld) -> None:
    world = office.world
    await becomes(world, world.toml.replace("cy@corp.example", "second@corp.example"))
    record = await world.opened(await world.trigger("press bell"))
    card = await office.card("@cy", "Approve")
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")
    await office.becomes(card, "Approved")
    await world.app.register.same("cy@corp.example", "cy", PersonId("ada"), proof=None)

    await world.app.requests.freezes.freeze("", PersonId("dan"), "incident 4711", proof=None)

    await office.becomes(card, "incident 4711")
    await office.cy.presses("Stop", in_=card)

    async def is_revoked() -> bool:
        return await state(office, record) == "revoked"

    await until(is_revoked, what="the approval is taken back")


async def has_no_button(office: SlackWorld, card: Message) -> bool:
    return "Approve" not in (await office.slack.now(card)).buttons
