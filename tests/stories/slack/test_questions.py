"""Each kind of question, asked by an agent and answered in Slack with what its card offers."""

from datetime import date

import pytest

from agents.requests import RunId
from tests.fakes.slack.driver import HOME, Message
from tests.kit.clerk import Window
from tests.kit.slack_world import SlackWorld


async def asked(office: SlackWorld, question: str, by: str = "ask") -> tuple[Message, RunId]:
    """The card on which the agent asks Anna, who may answer."""
    _, card, record = await office.asked(f"{by} {question}", to_press="")
    return card, record.request.run_id


async def answer(office: SlackWorld, run_id: RunId) -> str:
    """Return what the agent was told."""
    [result] = (await office.world.ended(run_id)).results
    assert result.kind == "answered"
    return result.text


async def test_each_question_is_answered_by_what_its_card_offers(office: SlackWorld) -> None:
    card, run_id = await asked(office, "choice Which one? | red, green, blue")
    assert card.buttons == ["red", "green", "blue", "More…"]
    assert (await office.anna.presses("green", in_=card)).acked
    assert await answer(office, run_id) == "green"
    assert (await office.becomes(card, "Answered")).buttons == []

    card, run_id = await asked(office, "form What about it? | version, why")
    assert (await office.anna.presses("Answer…", in_=card)).acked
    await office.anna.sees_modal("version")
    await office.anna.submits({"version": "v2", "why": "it is better\nwhy: and newer"})
    assert await answer(office, run_id) == "version: v2\nwhy: it is better\n  why: and newer"

    card, run_id = await asked(office, "person:bo yes_no Is the bell at the gate broken?", by="ask-of")
    assert "Who answers: \nBo Berg\n" in card.words
    assert (await office.anna.presses("Yes", in_=card)).acked
    await office.anna.sees_ephemeral("This is not yours to decide. Bo Berg may.")
    assert (await office.bo.presses("Yes", in_=card)).acked
    assert await answer(office, run_id) == "yes"


async def test_what_is_no_answer_is_said_and_the_question_stays(office: SlackWorld) -> None:
    card, chosen = await asked(office, "choices Which ones? | red, green, blue")
    assert (await office.anna.presses("Send", in_=card)).acked
    await office.anna.sees_ephemeral("not counted as an answer")

    wish, _, filled = await office.asked("plan When is the window?", to_press="")
    await office.anna.says("#ops", "first day: tomorrow\ndays: 3\nteam: shop\nsilent: no", thread=wish)
    await office.anna.sees_ephemeral("First day: “tomorrow” is no date")

    for run_id in (chosen, filled.request.run_id):
        assert (await office.world.run(run_id)).open


async def test_what_waits_is_opened_from_the_home_and_answered_in_its_window(office: SlackWorld) -> None:
    run_id = await office.world.trigger("ask choices Which ones? | red, green, blue")
    await office.world.opened(run_id)
    await office.anna.opens_home()
    await office.anna.sees_home("Which ones?")
    await office.anna.presses("Open", in_=HOME)
    await office.anna.sees_modal("Choose one or more")
    await office.anna.presses("pick", value=["3. blue", "1. red"])
    assert (await office.anna.presses("Send")).acked
    assert await answer(office, run_id) == "red\nblue"
    await office.anna.sees_modal("Your answer is stored")

    record = await office.world.opened(await office.world.trigger("press bell"))
    await office.bo.opens_home()
    await office.bo.sees_home("Press bell?")
    await office.bo.presses("Open", in_=HOME)
    assert (await office.bo.sees_modal("If you approve")).buttons == [
        "Approve", "Deny", "More…", "Deny with reason…", "Ask…"
    ]  # fmt: skip
    await office.bo.presses("Deny with reason…")
    await office.bo.sees_modal("Why? The agent is told.")
    sent = await office.bo.submits({"Why? The agent is told.": "too loud"})
    assert (sent["sent"], sent["open"]) == (True, False)
    await office.world.ended(record.request.run_id)
    decision = (await office.world.request(record.request.id)).decision
    assert decision
    assert (decision.state, decision.by, decision.reason) == ("denied", ("bo",), "too loud")


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
