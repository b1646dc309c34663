"""Mail that is no card: a tool's own bytes, through the outbox, once per step; and what became of it."""

import base64
from collections.abc import Mapping
from datetime import timedelta

import structlog
from pydantic import TypeAdapter

from agents import MAIL_WITHIN_S, Mailed
from agents.requests import StepId
from agents.run import Run, fold
from bot.render.cards import notice
from bot.store import Commit
from bot.store.commit import Once
from bot.store.ids import derived_id
from bot.store.journal import Journal, outbox_entry
from bot.store.outbox_entry import PostMail
from bot.store.went_back import look
from channels import Channel, ChannelRefused, Posts
from language import say

log = structlog.stdlib.get_logger()

_CHANNEL = "email"
_WITHIN = timedelta(seconds=MAIL_WITHIN_S)
_REMEMBERED_S = 31 * 24 * 3600.0
_MAILED = TypeAdapter(Mailed)
_TOO_LATE = "no mail server could be reached for a day, so it is not tried any more. Whether one took it is not known"
_OVER = "its run was over before any mail server was known to have taken it, so it is not tried any more"


class RawMail:
    """Puts mails into the outbox, takes them to the mail server, and remembers how that went."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def post(self, run: Run, step_id: StepId, raw: bytes, to: str) -> None:
        """Have `raw` sent to `to`, once per step, however often the step is tried."""
        now = await self._journal.store.now(run.id)
        entry = PostMail(
            id=_entry_id(step_id),
            run_id=run.id,
            reach=(_CHANNEL,),
            card=notice(say("notice.reply-title"), "", now, run.id),
            thread=run.id,
            to=to,
            raw=base64.b64encode(raw).decode(),
        )
        # An entry that was sent is gone from the outbox: what says that it was there is written with it, and stays.
        once = Once(about=step_id, key="mail", outcome=b"posted")
        await self._journal.write(Commit(run_id=run.id, outgoing=[outbox_entry(entry)], once=once))

    async def state(self, step_id: StepId) -> Mailed | None:
        """Return what became of it, None while it is under way."""
        found = await self._journal.store.remembered(_outcome_name(_entry_id(step_id)))
        return None if found is None else _MAILED.validate_json(found)

    async def deliver(self, entry: PostMail, channels: Mapping[str, Channel], receipt: str) -> None:
        """Take `entry` to the mail server, and remember what it said for good. Raises ChannelUnavailable.

        `receipt` comes back with word that it did not arrive.

        Nothing is sent for a run that is cancelled or has failed by then: its approval was for a run that goes on. Who
        cancels it just now may be too late, so its end says that the mail may go on. One that is done did not wait.
        Raises WentBack.
        """
        why, channel, is_late = "", channels.get(_CHANNEL), False
        loaded = await self._journal.store.load(entry.run_id)
        run = fold(loaded.events)
        if run.is_cancelled or (run.ended and run.ended.outcome != "done"):
            why = _OVER
        elif loaded.now - entry.card.at > _WITHIN:
            why, is_late = _TOO_LATE, True
        elif not isinstance(channel, Posts):
            why = "no channel is set up here that sends mail"
        else:
            await look(self._journal.store)  # in a store that went back it may be sent already
            try:
                await channel.post(base64.b64decode(entry.raw), entry.to, receipt)
            except ChannelRefused as error:
                why = str(error)
        log.info("mail posted", outgoing_id=entry.id, decision=why or "sent")
        mailed = _MAILED.dump_json(Mailed(trouble=why, is_unknown=is_late))
        await self._journal.store.remember(_outcome_name(entry.id), mailed, _REMEMBERED_S)


def _entry_id(step_id: StepId) -> str:
    return derived_id("outgoing", step_id, "mail")


def _outcome_name(entry_id: str) -> str:
    """Under this is remembered what became of an entry."""
    return f"mailed {entry_id}"
