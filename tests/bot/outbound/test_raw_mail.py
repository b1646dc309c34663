"""A tool's own mail on its way: what is remembered of it, and what is not tried any more."""

import base64
from typing import cast

import pytest

from agents.events import RunCancelled
from agents.requests import PersonId, RunId, StepId
from bot.outbound.raw_mail import RawMail
from bot.render.cards import notice
from bot.store import Commit, Keys, WentBack
from bot.store.ids import derived_id
from bot.store.outbox_entry import PostMail
from bot.store.went_back import look
from channels import Channel, ChannelRefused, ChannelUnavailable
from channels.email.channel import EmailChannel
from tests.kit.world import World

STEP = StepId("s0p-abcdefghijklm")
RUN = RunId("s0r-abcdefghijklm")
RAW = b"From: help@corp.example\r\n\r\nHello\r\n"


async def entry_of(world: World) -> PostMail:
    at = await world.now()
    return PostMail(
        id=derived_id("outgoing", STEP, "mail"),
        run_id=RUN,
        reach=("email",),
        card=notice("A reply", "", at, RUN),
        thread=RUN,
        to="eve@shop.example",
        raw=base64.b64encode(RAW).decode(),
    )


def channels_of(world: World) -> dict[str, Channel]:
    channel = world.mail.channel()
    assert isinstance(channel, EmailChannel)
    return {"email": channel}


async def test_nothing_is_known_of_a_mail_that_nobody_took_anywhere(world: World) -> None:
    assert await RawMail(world.app.journal).state(STEP) is None


async def test_a_refusal_for_good_is_remembered_in_its_words(world: World) -> None:
    mailing = RawMail(world.app.journal)

    await mailing.deliver(await entry_of(world), channels_of(world), "receipt")

    assert "there is no public address to send from" in (await mailing.state(STEP) or "")


async def test_without_a_channel_that_sends_mail_it_is_said(world: World) -> None:
    mailing = RawMail(world.app.journal)

    await mailing.deliver(await entry_of(world), {}, "receipt")

    assert await mailing.state(STEP) == "no channel is set up here that sends mail"


class Away:
    """A mail server that can't be reached, or says no."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def post(self, raw: bytes, to: str, receipt: str) -> None:
        raise self._error


async def test_a_server_that_is_away_leaves_it_open_until_it_is_a_day_old(world: World) -> None:
    mailing, entry = RawMail(world.app.journal), await entry_of(world)
    away = {"email": cast("Channel", Away(ChannelUnavailable("away", "wait")))}

    with pytest.raises(ChannelUnavailable):
        await mailing.deliver(entry, away, "receipt")
    assert await mailing.state(STEP) is None

    await world.move_time(25 * 3600)
    await mailing.deliver(entry, away, "receipt")
    assert "not tried any more" in (await mailing.state(STEP) or "")


class Post:
    """A mail server that takes what it is given."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def post(self, raw: bytes, to: str, receipt: str) -> None:
        self.taken.append(to)


async def test_nothing_is_sent_for_a_run_that_was_cancelled_or_has_failed_and_why_is_remembered(world: World) -> None:
    mailing, post = RawMail(world.app.journal), Post()
    run_id = await world.trigger("ask free_text Ready?")
    entry = (await entry_of(world)).model_copy(update={"run_id": run_id})
    channels = {"email": cast("Channel", post)}
    await world.opened(run_id)
    await mailing.deliver(entry.model_copy(update={"id": f"{entry.id}1"}), channels, "receipt")
    assert post.taken == ["eve@shop.example"]

    cancelled = RunCancelled(at=await world.now(), by=PersonId("anna"))
    await world.app.store.commit(Commit(run_id=run_id, events=[cancelled]))
    await mailing.deliver(entry, channels, "receipt")
    assert "its run was over" in (await mailing.state(STEP) or "")
    failed = await world.trigger("fly away")
    assert (await world.ended(failed)).state == "failed"
    await mailing.deliver(entry.model_copy(update={"run_id": failed, "id": f"{entry.id}2"}), channels, "receipt")

    assert post.taken == ["eve@shop.example"]


async def test_a_mail_that_its_run_did_not_wait_for_is_sent_after_a_good_end(world: World) -> None:
    mailing, post = RawMail(world.app.journal), Post()
    run_id = await world.trigger("stamp letter")
    await world.ended(run_id)

    entry = (await entry_of(world)).model_copy(update={"run_id": run_id})
    await mailing.deliver(entry, {"email": cast("Channel", post)}, "receipt")

    assert post.taken == ["eve@shop.example"]


async def test_a_server_that_says_no_is_quoted(world: World) -> None:
    mailing = RawMail(world.app.journal)
    no = {"email": cast("Channel", Away(ChannelRefused("550 no such user", "correct it")))}

    await mailing.deliver(await entry_of(world), no, "receipt")

    assert await mailing.state(STEP) == "550 no such user. correct it"


async def test_attack_nothing_is_sent_in_a_store_that_went_back(world: World) -> None:
    mailing, post, store = RawMail(world.app.journal), Post(), world.app.store
    entry = await entry_of(world)
    mark = (await store.client.do("GET", Keys(0).mark)).decode()
    await store.client.do("SET", Keys(0).starts, f"{mark} 1 aaaaaaaa ")
    await look(store)
    await store.client.do("SET", Keys(0).starts, f"{mark} 0 --------")

    with pytest.raises(WentBack):
        await mailing.deliver(entry, {"email": cast("Channel", post)}, "receipt")

    assert post.taken == []
