"""In Slack whoever decides presses Ask, whoever asked answers where that came, and the card shows both to everybody."""

import pytest

from tests.fakes.slack.driver import Message
from tests.kit.slack_world import SlackWorld
from tests.servers.web import serving

WHY, BECAUSE = "Why now?", "The shop has been down since noon."


async def asks(office: SlackWorld, card: Message) -> None:
    """Bo asks back in the window of the card."""
    assert (await office.bo.presses("Ask…", in_=card)).acked
    await office.bo.sees_modal("Your question to Anna Ames")
    await office.bo.submits({"Your question to Anna Ames": WHY})


async def test_a_question_stands_in_the_thread_and_the_answer_typed_there_on_the_card(office: SlackWorld) -> None:
    wish = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Approve")
    before = await office.world.opened(await office.only_run())

    await asks(office, card)
    question = await office.says(wish, "Bo Berg asks you about an open request.")
    assert WHY in question.words
    await office.bo.sees_ephemeral("Your question goes to Anna Ames")
    await office.becomes(card, f"Question by Bo Berg: “{WHY}”")
    await office.anna.answers(wish, BECAUSE)

    shown = await office.becomes(card, f"Answer by Anna Ames: “{BECAUSE}”")
    assert shown.buttons[:2] == ["Approve", "Deny"]
    await office.anna.sees_ephemeral("Your answer is on the card now")
    found = await office.world.request(before.request.id)
    assert (found.state, found.votes, found.request.digest) == ("open", (), before.request.digest)
    assert (await office.bo.presses("Approve", in_=shown)).acked
    await office.becomes(card, "Done")


@pytest.mark.long
async def test_a_no_in_the_thread_answers_the_question_and_a_stop_takes_it_back(office: SlackWorld) -> None:
    wish = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Approve")
    await office.bo.answers(wish, "Is it tested?")
    await office.becomes(card, "Question by Bo Berg")

    await office.anna.answers(wish, "no")
    await office.becomes(card, "Answer by Anna Ames: “no”")
    await office.anna.answers(wish, "stop")

    await office.becomes(card, "Withdrawn")
    assert office.world.workshop.effects == []


@pytest.mark.long
async def test_a_question_comes_as_a_direct_message_and_is_answered_in_its_window(office: SlackWorld) -> None:
    record = await office.world.opened(await office.world.trigger("press bell"))
    card = await office.card(office.bo.dm, to_press="Approve")

    await asks(office, card)
    question = await office.says(office.anna.dm, "Bo Berg asks you about an open request.")
    assert (await office.anna.presses("Answer…", in_=question)).acked
    window = await office.anna.sees_modal(WHY)
    assert "What Bo Berg wrote:" in window.words
    await office.anna.submits({"Your answer": BECAUSE})

    await office.becomes(card, f"Answer by Anna Ames: “{BECAUSE}”")
    await office.says(office.bo.dm, "Anna Ames answered.")
    assert (await office.world.request(record.request.id)).state == "open"


async def test_attack_what_answers_one_question_is_told_as_the_answer_to_a_newer_one(office: SlackWorld) -> None:
    record = await office.world.opened(await office.world.trigger("press bell"))
    card = await office.card(office.bo.dm, to_press="Approve")
    await asks(office, card)
    question = await office.says(office.anna.dm, WHY)
    async with serving(office.world.app) as api:
        newer = {"ask": "Can it be undone?"}
        await (await api.client("cy")).post(f"/v1/requests/{record.request.id}/answer", json=newer)
    await office.says(office.anna.dm, "Can it be undone?")

    await office.anna.answers(question, BECAUSE)

    await office.says(office.bo.dm, "Anna Ames answered.")
    _, waits, answer = (await office.world.request(record.request.id)).comments
    assert (answer.text, answer.about == waits.id) == (BECAUSE, False)
    await office.anna.answers(question, "And there is a sale tonight.")
    await office.becomes(card, "And there is a sale tonight.")
    found = await office.world.request(record.request.id)
    assert (found.comments[-1].about, found.request.remarks) == (answer.about, ()), "Cy's waits still"


@pytest.mark.parametrize("who", ["whoever asked for it", "whoever asked back"])
async def test_attack_who_has_left_the_channel_never_hears_what_is_typed_there(office: SlackWorld, who: str) -> None:
    wish, card, _ = await office.asked()
    if who == "whoever asked for it":
        await office.anna.leaves("#ops")
        await office.bo.answers(wish, WHY)
        question = await office.says(office.anna.dm, "Bo Berg asks you about an open request.")
        assert WHY in question.words
        await office.anna.answers(question, BECAUSE)
    else:
        await office.bo.answers(wish, WHY)
        await office.becomes(card, f"Question by Bo Berg: “{WHY}”")
        await office.bo.leaves("#ops")
        await office.anna.answers(wish, BECAUSE)
        await office.says(office.bo.dm, "Anna Ames answered.")

    await office.becomes(card, f"Answer by Anna Ames: “{BECAUSE}”")


async def test_attack_an_answer_below_a_question_whose_post_nobody_answered_begins_a_run(office: SlackWorld) -> None:
    wish, card, _ = await office.asked()
    await office.anna.leaves("#ops")
    await office.slack.breaks("chat.postMessage", "http_500_after", channel=office.anna.dm, times=3)
    await office.bo.answers(wish, WHY)
    question = await office.says(office.anna.dm, "Bo Berg asks you about an open request.")

    await office.anna.answers(question, BECAUSE)

    await office.becomes(card, f"Answer by Anna Ames: “{BECAUSE}”")
    assert len(await office.runs()) == 1


async def test_what_both_read_in_the_channel_is_told_to_neither_once_more(office: SlackWorld) -> None:
    wish, card, _ = await office.asked()

    await office.bo.answers(wish, WHY)
    await office.becomes(card, f"Question by Bo Berg: “{WHY}”")
    await office.anna.answers(wish, BECAUSE)
    await office.becomes(card, f"Answer by Anna Ames: “{BECAUSE}”")
    await office.world.quiet()

    assert not [one for person in (office.anna, office.bo) for one in await office.slack.messages(person.dm)]
    assert not [one for one in await office.slack.messages(wish) if "Anna Ames answered." in one.words]


async def test_after_the_decision_the_window_of_a_question_says_what_it_was(office: SlackWorld) -> None:
    record = await office.world.opened(await office.world.trigger("press bell"))
    await asks(office, await office.card(office.bo.dm, to_press="Approve"))
    question = await office.says(office.anna.dm, "Bo Berg asks you")
    await office.world.decide("cy", record, "deny", "no")

    assert (await office.anna.presses("Answer…", in_=question)).acked

    await office.anna.sees_modal("Already decided: Cy Cole denied")
