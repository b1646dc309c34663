"""The whole story by mail, told by the processes of the Procfile at a real Postfix and a real Dovecot."""

import pytest

from agents.events import ToolStarted
from tests.kit.waiting import wait_until
from tests.processes.branch import Branch

READING, STANDING_BY = "reading the mailbox", "standing by"

pytestmark = pytest.mark.long

WISH, QUESTION = "deploy v1.2.0 to production", "Deploy v1.2.0 to production, replacing "


def is_done_once(office: Branch, before: str) -> None:
    """Anna is told, the tag is live, and it was one run with one deploy."""
    assert "is live in production, verified" in office.next_mail(office.anna, "Done: ").text
    assert office.live() != before
    [events] = office.runs()
    assert [event.tool for event in events if isinstance(event, ToolStarted)].count("deploy") == 1


def test_the_story_goes_on_after_both_processes_were_killed_between_card_and_reply(office: Branch) -> None:
    before = office.live()
    with office.program("worker") as worker, office.program("mail") as mail:
        office.anna_writes(WISH)
        card = office.next_mail(office.bo, QUESTION)
        worker.kill()
        mail.kill()

    office.bo_answers(card, "approved, thanks")
    wait_until(lambda: len(office.host.mails(office.address)) == 2, what="the reply lies in the mailbox")
    assert office.live() == before
    with office.program("worker", name="worker again"), office.program("mail", name="mail again"):
        is_done_once(office, before)


def test_a_reply_is_read_by_the_other_mail_process_when_the_reading_one_is_killed(office: Branch) -> None:
    before = office.live()
    with office.program("worker"), office.program("mail", name="first") as first:
        first.wait_for(READING)
        with office.program("mail", name="second") as second:
            second.wait_for(STANDING_BY)
            office.anna_writes(WISH)
            card = office.next_mail(office.bo, QUESTION)
            assert office.live() == before, "nothing happens before somebody has answered"

            first.kill()
            office.bo_answers(card, "approved, thanks")
            second.wait_for(READING)

            is_done_once(office, before)
