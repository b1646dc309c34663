"""The whole story in Slack, told by the processes of the Procfile, over Socket Mode and over HTTP."""

from contextlib import ExitStack

import pytest

from agents.events import AnswerNoted, RequestDecided, RunEnded, RunStarted, ToolStarted, VoteCast
from tests.kit.waiting import until
from tests.processes.slack_office import Mode, SlackOffice

WISH, QUESTION = "deploy v1.2.0 to production", "Deploy v1.2.0 to production, replacing "


@pytest.fixture
def office(slack_office: SlackOffice) -> SlackOffice:
    return slack_office


async def test_a_wish_becomes_a_card_in_its_thread_and_a_click_deploys_and_shows_the_outcome_in_the_same_message(
    office: SlackOffice, mode: Mode
) -> None:
    before = office.live()
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, mode)

        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        assert card.buttons[:3] == ["Approve", "Deny", "Deny with reason…"]
        assert office.live() == before, "nothing happens before somebody has answered"
        pressed = await office.bo.presses("Approve", in_=card)
        assert pressed.acked
        done = await office.becomes(card, "Done: ")

        assert "Bo Berg" in done.words
        assert done.buttons == []
        assert office.live() != before
        cards = [one for one in await office.slack.messages(asked) if QUESTION.removesuffix("?") in one.words]
        assert [one.ts for one in cards if one.ts == card.ts] == [card.ts], "one live card"
        [events] = office.runs()
        assert [event.tool for event in events if isinstance(event, ToolStarted)].count("deploy") == 1
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_a_denial_with_a_reason_reaches_the_next_step_and_the_card(office: SlackOffice, mode: Mode) -> None:
    before = office.live()
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, mode)
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)

        await office.cy.presses("Deny with reason…", in_=card)
        await office.cy.sees_modal("The agent is told")
        await office.cy.submits({"Why? The agent is told.": "not before the <!channel> freeze ends & Monday"})

        denied = await office.becomes(card, "Denied")
        assert "freeze ends & Monday" in denied.words
        assert denied.buttons == []
        await office.hears(asked, "was denied")
        assert office.live() == before
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_a_question_is_answered_by_typing_in_its_thread(office: SlackOffice, mode: Mode) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, mode)

        asked = await office.asks(office.anna, "please deploy to production")
        await office.hears(asked, "Which version should be deployed to production?")
        await office.anna.answers(asked, "v1.2.0")

        card = await office.card(asked, QUESTION)
        await office.bo.presses("Approve", in_=card)
        await office.becomes(card, "Done: ")
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_typed_words_do_not_approve_and_others_are_told_so(office: SlackOffice) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, "socket")
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)

        await office.bo.answers(asked, "yes")
        await office.bo.sees_ephemeral("button")
        await office.eve.presses("Approve", in_=card)
        await office.eve.sees_ephemeral("may")
        await office.anna.presses("Approve", in_=card)
        await office.anna.sees_ephemeral("not yours to decide")

        events = [event for run in await office.has(3, AnswerNoted) for event in run]
        assert not [event for event in events if isinstance(event, VoteCast | RequestDecided | ToolStarted)]
        assert (await office.slack.now(card)).buttons[0] == "Approve"
        assert await office.slack.violations() == []


@pytest.mark.long
async def test_what_comes_while_redis_is_away_is_not_acknowledged_and_a_click_counts_once_all_the_same(
    office: SlackOffice,
) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, "socket")
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        await office.slack.settings(answer_within_s=3)

        office.redis.kill()
        pressed = await office.bo.presses("Approve", in_=card)
        assert not pressed.acked, "who pressed it sees that it did not work"
        mentioned = await office.asks(office.anna, "deploy v1.1.0 to staging")
        office.redis.start()

        await office.has(2, RunStarted)
        await office.hears(mentioned, "Done: ")
        await office.slack.settings(answer_within_s=None)
        pressed = await office.bo.presses("Approve", in_=card, version=0)
        assert pressed.acked
        await office.becomes(card, "Done: ")
        assert len([event for run in office.runs() for event in run if isinstance(event, VoteCast)]) == 1


@pytest.mark.long
async def test_attack_a_stop_is_lost_below_a_wish_that_slack_has_to_bring_again(office: SlackOffice) -> None:
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, "socket")
        # Longer than sayso waits for Redis: what it has not taken by then it takes no more.
        await office.slack.settings(answer_within_s=12, retry_after_s=[60.0])
        office.redis.kill()
        asked = await office.asks(office.anna, WISH)

        async def is_late() -> bool:
            found = await office.slack.deliveries()
            return bool(found) and all(each["tries"] for each in found)

        await until(is_late, what="nobody has taken it")
        await office.slack.settings(answer_within_s=None)
        office.redis.start()
        await office.anna.answers(asked, "stop")

        async def is_taken() -> bool:
            return (await office.slack.deliveries())[-1]["state"] == "acked"

        await until(is_taken, what="the stop is taken")
        await office.slack.moves_clock(61)

        told = await office.anna.sees_ephemeral("You wrote stop below it, or edited or deleted it, before it came here")
        assert "No run was started" in told.text
        assert office.runs() == []


@pytest.mark.long
async def test_an_acknowledged_click_decides_after_every_process_was_killed(office: SlackOffice) -> None:
    before = office.live()
    with office.working() as worker, office.program("slack", "slack") as slack:
        asked = await office.asks(office.anna, WISH)
        card = await office.card(asked, QUESTION)
        worker.process.kill()
        worker.ended()

        pressed = await office.bo.presses("Approve", in_=card)
        assert pressed.acked
        slack.process.kill()
        slack.ended()
        office.redis.kill()
    office.redis.start()
    assert office.live() == before

    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, "socket")
        await office.becomes(card, "Done: ")
        assert office.live() != before
        [events] = await office.has(1, RunEnded)
        assert [type(event) for event in events].count(RunEnded) == 1
        assert len([event for event in events if isinstance(event, VoteCast)]) == 1
