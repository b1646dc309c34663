"""App Homes, kept up to date by the processes of the Procfile, over Socket Mode and over HTTP."""

from contextlib import ExitStack

import pytest

from agents.events import RequestDecided, VoteCast
from tests.fakes.slack.driver import HOME
from tests.processes.slack_office import Mode, SlackOffice

pytestmark = pytest.mark.long

WISH, QUESTION = "deploy v1.2.0 to production", "Deploy v1.2.0 to production, replacing "


async def test_open_homes_change_with_what_happens_and_a_press_there_decides(
    slack_office: SlackOffice, mode: Mode
) -> None:
    office = slack_office
    with ExitStack() as stack:
        stack.enter_context(office.working())
        await office.front(stack, mode)
        for person in (office.anna, office.bo):
            await person.opens_home()
            await person.sees_home("Nothing waits on you.")

        asked = await office.asks(office.anna, WISH)
        await office.shows(office.bo, QUESTION)
        await office.shows(office.anna, "Waiting for Bo Berg or Cy Cole.")
        await office.bo.presses("Open", in_=HOME)
        await office.bo.sees_modal("Who decides")
        pressed = await office.bo.presses("Approve")
        assert pressed.acked

        [events] = await office.has(1, RequestDecided)
        assert [(event.vote.person, event.vote.channel) for event in events if isinstance(event, VoteCast)] == [
            ("bo", "slack")
        ]
        await office.hears(asked, "Done: ")
        home = await office.shows(office.bo, "The run: done.")
        assert "Nothing waits on you." in home.words
        assert "Recently decided" in home.words
        assert home.buttons == ["Ask sayso…"]
        assert "Nothing yet." not in (await office.shows(office.anna, "Done: ")).words
        assert await office.slack.violations() == []
