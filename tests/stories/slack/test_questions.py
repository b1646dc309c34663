"""Each kind of question, asked by an agent and answered in Slack with what its card offers."""

from datetime import date

import pytest

from tests.fakes.slack.driver import HOME, Message
from tests.kit.clerk import Window
from tests.kit.slack_world import SlackWorld


async def asked(office: SlackWorld, question: str) -> Message:
    """The card on which the agent asks Anna, who may answer."""
    await office.anna.says("#ops", f"@sayso ask {question}")
    return await office.card("#ops")


async def answer(office: SlackWorld) -> str:
    """Return what the agent was told."""
    [result] = (await office.world.ended(await office.only_run())).results
    assert result.kind == "answered"
    return result.text


async def test_a_choice_has_a_button_for_each_option(office: SlackWorld) -> None:
    card = await asked(office, "choice Which one? | red, green, blue")
    assert card.buttons == ["red", "green", "blue", "Details"]

    assert (await office.anna.presses("green", in_=card)).acked

    assert await answer(office) == "green"
    shown = await office.becomes(card, "Answered")
    assert shown.buttons == []


@pytest.mark.long
async def test_a_choice_among_many_is_a_menu(office: SlackWorld) -> None:
    card = await asked(office, "choice Which one? | a, b, c, d, e, f, g")

    assert (await office.anna.presses("choose", in_=card, value="6. f")).acked

    assert await answer(office) == "f"


async def test_what_is_sent_without_a_choice_is_no_answer(office: SlackWorld) -> None:
    card = await asked(office, "choices Which ones? | red, green, blue")

    assert (await office.anna.presses("Send", in_=card)).acked

    await office.anna.sees_ephemeral("not counted as a decision")
    assert (await office.world.run(await office.only_run())).open


async def test_a_form_is_filled_in_in_a_window(office: SlackWorld) -> None:
    card = await asked(office, "form What about it? | version, why")

    assert (await office.anna.presses("Answer…", in_=card)).acked
    await office.anna.sees_modal("version")
    await office.anna.submits({"version": "v2", "why": "it is better\nwhy: and newer"})

    assert await answer(office) == "version: v2\nwhy: it is better\n  why: and newer"


@pytest.mark.long
async def test_a_form_of_a_model_has_an_input_of_each_kind_and_says_at_once_what_is_wrong(office: SlackWorld) -> None:
    await office.anna.says("#ops", "@sayso plan When is the window?")
    card = await office.card("#ops")
    assert (await office.anna.presses("Answer…", in_=card)).acked
    await office.anna.sees_modal("First day")

    begins = {"First day": "2026-10-01", "Days": "3", "Team": "search", "Ticket": "7", "Without alarms": "Yes"}
    wrong = await office.anna.submits(begins)

    assert wrong["open"]
    assert wrong["errors"] == {
        "field.1.begins": "“2026-10-01” is before 2026-11-01",
        "field.5.ticket": "“7” is not written as OPS-7 is",
    }
    assert (await office.world.run(await office.only_run())).open, "nothing is said yet"
    assert not (await office.anna.submits({"First day": "2026-12-24", "Ticket": "OPS-7"}))["open"]

    [result] = (await office.world.ended(await office.only_run())).results
    assert result.filled(Window) == Window(
        begins=date(2026, 12, 24), days=3, team="search", ticket="OPS-7", silent=True
    )
    shown = await office.becomes(card, "Answered")
    assert "First day: 2026-12-24\nDays: 3\nShare of the load: 0.5\nTeam: search\nTicket: OPS-7" in shown.words


async def test_lines_of_a_form_may_be_typed_below_it_and_a_wrong_one_is_named(office: SlackWorld) -> None:
    asked = await office.anna.says("#ops", "@sayso plan When is the window?")
    await office.card("#ops")

    await office.anna.says("#ops", "first day: tomorrow\ndays: 3\nteam: shop\nsilent: no", thread=asked)

    await office.anna.sees_ephemeral("First day: “tomorrow” is no date")
    assert (await office.world.run(await office.only_run())).open


async def test_a_question_is_opened_from_the_home_and_answered_in_its_window(office: SlackWorld) -> None:
    run_id = await office.world.trigger("ask choices Which ones? | red, green, blue")
    await office.world.opened(run_id)
    await office.anna.opens_home()
    await office.anna.sees_home("Which ones?")

    await office.anna.presses("Open", in_=HOME)
    await office.anna.sees_modal("Choose one or more")
    await office.anna.presses("pick", value=["3. blue", "1. red"])
    assert (await office.anna.presses("Send")).acked

    assert await answer(office) == "red\nblue"
    await office.anna.sees_modal("Your answer is stored")


async def test_a_request_is_opened_from_the_home_and_denied_with_a_reason(office: SlackWorld) -> None:
    run_id = await office.world.trigger("press bell")
    record = await office.world.opened(run_id)
    await office.bo.opens_home()
    await office.bo.sees_home("Press bell?")

    await office.bo.presses("Open", in_=HOME)
    shown = await office.bo.sees_modal("Who decides")
    assert shown.buttons == ["Approve", "Deny", "Deny with reason…", "Ask…", "Details"]
    await office.bo.presses("Deny with reason…")
    await office.bo.sees_modal("Why? The agent is told.")
    sent = await office.bo.submits({"Why? The agent is told.": "too loud"})

    assert (sent["sent"], sent["open"]) == (True, False)
    await office.world.ended(run_id)
    decision = (await office.world.request(record.request.id)).decision
    assert decision
    assert (decision.state, decision.by, decision.reason) == ("denied", ("bo",), "too loud")


async def test_whoever_the_agent_names_answers_below_the_wish_and_nobody_else(office: SlackWorld) -> None:
    await office.anna.says("#ops", "@sayso ask-of person:bo yes_no Is the bell at the gate broken?")

    card = await office.card("#ops")
    assert "Who answers: \nBo Berg\n" in card.words
    assert (await office.anna.presses("Yes", in_=card)).acked
    await office.anna.sees_ephemeral("This is not yours to decide. Bo Berg may.")
    assert (await office.bo.presses("Yes", in_=card)).acked

    assert await answer(office) == "yes"
