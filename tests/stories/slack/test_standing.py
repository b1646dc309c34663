"""Standing approvals by messages in Slack: asked for in the thread of a run, listed, and ended."""

from datetime import timedelta

import pytest

from agents.standing import STANDING
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.waiting import until
from tests.stories.people.standing import ALLOWED, done_once, granted, is_asked, the_only

pytestmark = opens(toml=ALLOWED)


async def test_in_the_thread_of_a_run_its_requester_asks_for_the_same_again(office: SlackWorld) -> None:
    world = office.world
    root = await office.anna.says("#ops", "@sayso press bell")
    run_id = await office.only_run()
    await world.decide("bo", await world.opened(run_id), "approve")
    await world.ended(run_id)
    day = (await world.now() + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")

    await office.anna.answers(root, "standing 2 times until some day")
    assert "standing 5 times until" in (await office.anna.sees_ephemeral("some day")).words
    assert await office.runs() == [run_id]
    await office.anna.answers(root, f"standing 2 times until {day}")
    await office.anna.sees_ephemeral("They are asked.")

    [asks] = [one for one in await office.runs() if one != run_id]
    run = await world.run(asks)
    assert run.started
    assert (run.started.agent, run.started.channel, run.started.requester) == (STANDING, "slack", "anna")
    card = await office.card("@bo", to_press="Approve")
    await office.bo.presses("Approve", in_=card)
    await office.says("@anna", "holds from now on")
    standing = await the_only(world)
    assert standing.approval.person == "anna"

    await office.bo.says("@sayso", f"revoke {standing.approval.id}")

    async def revoked() -> bool:
        return (await the_only(world)).revoked is not None

    await until(revoked, what="it is revoked")
    assert await is_asked(world)


@pytest.mark.long
async def test_the_bot_lists_them_to_whoever_asks_alone(office: SlackWorld) -> None:
    standing = await granted(office.world, await done_once(office.world))
    ends = f"revoke {standing.approval.id}"
    runs = await office.runs()

    await office.cy.says("@sayso", "standing")
    told = await office.slack.message(in_="@cy", containing=ends)
    assert "Press bell: for Anna Ames, 0 of 3 used" in told.words
    await office.cy.says("#ops", "@sayso standing")
    await office.cy.sees_ephemeral(ends)
    await office.dan.says("@sayso", "standing")
    await office.slack.message(in_="@dan", containing="no standing approval now that concerns you")

    assert not any(ends in one.words for one in await office.slack.messages("#ops"))
    assert await office.runs() == runs
    question = await office.anna.says("@sayso", "ask free_text How is it?")
    await office.says(question, "How is it?")
    await office.anna.answers(question, "standing")
    [asking] = [one for one in await office.runs() if one not in runs]
    assert (await office.world.ended(asking)).results[-1].text == "standing"
