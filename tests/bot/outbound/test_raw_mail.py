"""A tool's own mail on its way: what is remembered of it, and what is not tried any more."""

import base64
from typing import cast

import pytest

from agents import Mailed
from agents.events import RunCancelled
from agents.requests import PersonId, RunId, StepId
from bot.outbound.raw_mail import RawMail
from bot.render.cards import notice
from bot.store import Commit, Keys, WentBack
from bot.store.ids import derived_id
from bot.store.outbox_entry import PostMail
from bot.store.went_back import look
from channels import Channel, ChannelRefused, ChannelUnavailable
from tests.kit.world import World

STEP = StepId("s0p-abcdefghijklm")
RUN = RunId("s0r-abcdefghijklm")


async def entry_of(world: World, step: StepId = STEP, run_id: RunId = RUN) -> PostMail:
    at = await world.now()
    return PostMail(
        id=derived_id("outgoing", step, "mail"), run_id=run_id, reach=("email",), card=notice("A reply", "", at, RUN),
        thread=RUN, to="eve@shop.example", raw=base64.b64encode(b"From: help@corp.example\r\n\r\nHello\r\n").decode(),
    )  # fmt: skip


async def trouble(mailing: RawMail, step: StepId) -> str:
    """Why a mail was not sent."""
    mailed = await mailing.state(step)
    return mailed.trouble if mailed else ""


class Post:
    """A mail server that takes what it is given, unless it can't be reached or says no."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken, self._error = list[str](), error
        self.channels = {"email": cast("Channel", self)}

    async def post(self, raw: bytes, to: str, receipt: str) -> None:
        if self._error:
            raise self._error
        self.taken.append(to)


async def test_why_a_mail_is_not_sent_is_remembered_in_the_words_of_whoever_says_so(world: World) -> None:
    mailing = RawMail(world.app.journal)
    no, ours = Post(ChannelRefused("550 no such user", "correct it")), world.mail.channel()
    for number, (channels, says) in enumerate(
        (
            ({"email": ours}, "there is no public address to send from"),
            (dict[str, Channel](), "no channel is set up here that sends mail"),
            (no.channels, "550 no such user. correct it"),
        )
    ):
        step = StepId(f"s0p-abcdefghijkl{'abc'[number]}")
        assert await mailing.state(step) is None
        await mailing.deliver(await entry_of(world, step), channels, "receipt")

        assert says in await trouble(mailing, step)


async def test_a_server_that_is_away_leaves_it_open_until_it_is_a_day_old(world: World) -> None:
    mailing, entry, away = RawMail(world.app.journal), await entry_of(world), Post(ChannelUnavailable("away", "wait"))

    with pytest.raises(ChannelUnavailable):
        await mailing.deliver(entry, away.channels, "receipt")
    assert await mailing.state(STEP) is None

    await world.move_time(25 * 3600)
    await mailing.deliver(entry, away.channels, "receipt")
    assert "not tried any more" in await trouble(mailing, STEP)
    assert (await mailing.state(STEP) or Mailed()).is_unknown


async def test_it_is_sent_for_a_run_that_goes_on_or_is_done_and_not_for_one_that_was_cancelled_or_has_failed(
    world: World,
) -> None:
    mailing, post = RawMail(world.app.journal), Post()
    run_id = await world.trigger("ask free_text Ready?")
    await world.opened(run_id)
    done = await world.trigger("stamp letter")
    assert (await world.ended(done)).state == "done"
    for letter, goes_on in (("a", run_id), ("b", done)):
        entry = await entry_of(world, StepId(f"s0p-abcdefghijkl{letter}"), goes_on)
        await mailing.deliver(entry, post.channels, "receipt")
    assert post.taken == ["eve@shop.example"] * 2

    cancelled = RunCancelled(at=await world.now(), by=PersonId("anna"))
    await world.app.store.commit(Commit(run_id=run_id, events=[cancelled]))
    failed = await world.trigger("fly away")
    assert (await world.ended(failed)).state == "failed"
    for letter, over in (("c", run_id), ("d", failed)):
        step = StepId(f"s0p-abcdefghijkl{letter}")
        await mailing.deliver(await entry_of(world, step, over), post.channels, "receipt")
        assert "its run was over" in await trouble(mailing, step)

    assert len(post.taken) == 2


async def test_attack_nothing_is_sent_in_a_store_that_went_back(world: World) -> None:
    mailing, post, store = RawMail(world.app.journal), Post(), world.app.store
    entry = await entry_of(world)
    mark = (await store.client.do("GET", Keys(0).mark)).decode()
    await store.client.do("SET", Keys(0).starts, f"{mark} 1 aaaaaaaa ")
    await look(store)
    await store.client.do("SET", Keys(0).starts, f"{mark} 0 --------")

    with pytest.raises(WentBack):
        await mailing.deliver(entry, post.channels, "receipt")

    assert post.taken == []
