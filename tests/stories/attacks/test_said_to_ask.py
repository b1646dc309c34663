"""Nobody is said to have asked, nor told as whoever asked, who only answered something or may be somebody who asked."""

from pathlib import Path

import pytest

from bot.cli.show import request_text
from bot.policy.record import RequestRecord
from bot.render.views import request_view
from tests.bot.bounces import bounce, handled
from tests.kit.world import World, a_world
from tests.stories.attacks.test_told_who_may import home
from tests.stories.attacks.test_turn_out_to_be_one import are_one, file_of


async def opened(office: World, part: str) -> RequestRecord:
    """A request of Anna's of which Bo is a requester who has not asked."""
    if part == "maybe":
        await are_one(office, "anna", "bo")
        return await office.opened(await office.trigger("press bell"))
    run_id = await office.trigger("ask-of person:bo free_text which one?\npress bell")
    question = await office.opened(run_id)
    await office.decide("bo", question, "free_text", "the bell")
    return await office.opened(run_id, after=question.request.id)


@pytest.mark.parametrize("part", ["answered", "maybe"])
async def test_attack_a_list_says_that_somebody_asked_who_did_not(redis: str, tmp_path: Path, part: str) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy rob")) as office:
        record = await opened(office, part)
        assert (record.requesters, record.askers) == (("anna", "bo"), ("anna",))
        app = office.app
        shown = request_text(request_view(record, app.people), app.people)
        [asked_by] = [line for line in shown.splitlines() if "asked by" in line]
        row = (await home(office).overview("cy")).waiting[0].rows[0]

        assert asked_by.split() == ["asked", "by", "Anna"]
        assert row.asked_by == "Anna"


async def test_attack_somebody_who_did_not_ask_hears_that_a_card_did_not_arrive(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", file_of("bo cy rob")) as office:
        record = await opened(office, "answered")
        card = await office.next_mail("cy", about=record.request.digest)
        before = len(office.mails("bo"))
        await bounce(office, card)
        await handled(office)
        assert len(office.mails("bo")) == before
