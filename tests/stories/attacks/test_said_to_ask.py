"""Nobody is said to have asked, nor told as whoever asked, who only answered something or may be somebody who asked."""

import pytest

from agents.requests.record import RequestRecord
from bot.cli.show import request_text
from bot.render.views import request_view
from tests.bot.bounces import bounce, handled
from tests.fakes.anthropic import FakeAnthropic
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.said import said
from tests.kit.world import World
from tests.stories.attacks.test_lying_model import DEPLOY, WISH, calls, says
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


@opens(file_of("bo cy rob"))
@pytest.mark.parametrize("part", few_of(["answered", "maybe"], 0))
async def test_attack_a_list_says_that_somebody_asked_who_did_not(world: World, part: str) -> None:
    record = await opened(world, part)
    assert (record.requesters, record.askers) == (("anna", "bo"), ("anna",))
    app = world.app
    shown = request_text(request_view(record, app.people), app.people)
    [asked_by] = [line for line in shown.splitlines() if "asked by" in line]
    row = (await home(world).overview("cy")).waiting[0].rows[0]

    assert asked_by.split() == ["asked", "by", "Anna"]
    assert row.asked_by == "Anna"


@opens(file_of("bo cy rob"))
async def test_attack_the_card_of_a_child_says_that_somebody_asks_who_only_answered_its_parent(world: World) -> None:
    run_id = await world.trigger("ask-of person:bo free_text which one?\nstart_run start_run press bell")
    await world.decide("bo", await world.opened(run_id), "free_text", "the bell")
    below = await world.child((await world.child(run_id)).id)
    record = await world.opened(below.id)
    card = await world.next_mail("cy", about=record.request.digest)

    assert (record.requesters, record.askers) == (("anna", "bo"), ("anna",))
    assert said("card.asks", who="Anna") in card.text
    assert "Bo, who has a part in the run that it comes from" in card.text


async def test_attack_news_are_said_to_be_for_whoever_denied_what_they_are_about(
    model_shop: World, claude: FakeAnthropic
) -> None:
    instead = calls("deploy", version="v1.1.0", environment="production")
    claude.answers(DEPLOY, instead, says("v1.1.0 is live in production."), calls("announce", text="v1.1.0 is live."))
    run_id = await model_shop.trigger(f"{WISH} and announce it", agent="release")
    deploy = await model_shop.child(run_id)
    first = await model_shop.opened(deploy.id)
    await model_shop.decide("cy", first, "deny", "v1.2.0 is broken")
    second = await model_shop.opened(deploy.id, after=first.request.id)
    await model_shop.decide("bo", second, "approve")

    news = await model_shop.next_mail("bo", about="The announce agent says this for")
    assert said("notice.announced-of-model", agent="announce", names="Anna Ames") in " ".join(news.text.split())


@opens(file_of("bo cy rob"))
async def test_attack_somebody_who_did_not_ask_hears_that_a_card_did_not_arrive(world: World) -> None:
    record = await opened(world, "answered")
    card = await world.next_mail("cy", about=record.request.digest)
    before = len(world.mails("bo"))
    await bounce(world, card)
    await handled(world)
    assert len(world.mails("bo")) == before
