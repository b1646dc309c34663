"""Mail to the desk's address: how much of it begins runs, and what they begin with."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from pydantic import JsonValue

from agents.desk import Mail
from agents.desk.mail import context_of
from agents.requests import PersonId
from agents.text import one_line
from bot.config.tables import DeskConfig, Rate
from bot.errors import Forbidden, Invalid, RateLimited
from bot.people.directory import People
from bot.render.cards import Words
from bot.store import Store
from channels import Inquiry
from language import say
from language.recorded import recorded, trouble_of

_SUBJECT_CHARS, _NAME_CHARS, _NAMES = 150, 100, 20
_ALERT_AGAIN_S = 3600.0

# Tells the operators once in so many seconds: under which name, near which id, and what.
AlertOnce = Callable[[str, float, str, Words], Awaitable[None]]


class Inquiries:
    """Counts what comes to the desk; a loop, or a flood, ends where somebody can see it."""

    def __init__(self, store: Store, people: People, config: DeskConfig, alert_once: AlertOnce) -> None:
        self._store, self._people, self._config, self._alert_once = store, people, config, alert_once

    @property
    def owner(self) -> PersonId:
        """The person in whose name the runs of the desk are; empty where there is no desk."""
        return self._people.of_file((self._config.owner or "").partition(":")[2])

    async def admitted(
        self, enquiry: Inquiry, inbound_id: str, at: datetime
    ) -> tuple[PersonId, Mapping[str, JsonValue]]:
        """Return the person in whose name the run is, and its context, in the language that is spoken.

        Raises Invalid and RateLimited for one that may begin no run, in English: that is recorded; and WaitsForFile
        where the owner may only be missing in a file that is half taken.
        """
        config = self._config
        if not self.owner:
            raise Invalid(recorded("reason.desk-closed"))
        self._people.check_not_missing(self.owner)
        own = recorded("reason.desk-limit-of-sender", **_figures(config.per_sender), sender=enquiry.sender)
        await self._count(f"desk {enquiry.sender}", inbound_id, config.per_sender, own)
        every = recorded("reason.desk-limit-of-day", **_figures(config.per_day))
        await self._count("desk", inbound_id, config.per_day, every)
        return self.owner, context_of(_mail(enquiry, at))

    async def refused(self, near: str, error: Forbidden) -> None:
        """Tell the operators, once an hour, that no mail begins a run, as nothing starts in the owner's name."""

        def words() -> tuple[str, str]:
            return say("notice.alert-desk-title"), say("notice.alert-desk", why=trouble_of(str(error)))

        await self._alert_once("desk refused", _ALERT_AGAIN_S, near, words)

    def wish(self, enquiry: Inquiry) -> str:
        """Return what the run is to do, in words of code: what somebody wrote to the desk is not the owner's word."""
        subject = one_line(enquiry.subject, _SUBJECT_CHARS)
        if not subject:
            return say("desk.wish-no-subject", sender=enquiry.sender)
        return say("desk.wish", subject=subject, sender=enquiry.sender)

    async def _count(self, name: str, inbound_id: str, limit: Rate, why: str) -> None:
        if not await self._store.admit(name, inbound_id, limit.count, limit.per_s):
            raise RateLimited(why, "", await self._store.admitted_in_s(name, limit.per_s))


def _figures(limit: Rate) -> dict[str, str]:
    return {"count": str(limit.count), "seconds": f"{limit.per_s:.0f}"}


def _mail(enquiry: Inquiry, at: datetime) -> Mail:
    names, left = enquiry.files[:_NAMES], len(enquiry.files) - _NAMES
    more = (say("desk.more-files", count=left),) if left > 0 else ()
    return Mail(
        sender=enquiry.sender,
        subject=enquiry.subject,
        text=enquiry.text,
        at=at,
        message_id=enquiry.message_id,
        references=enquiry.references,
        doubt=enquiry.doubt,
        attached=(*(one_line(file.name, _NAME_CHARS) for file in names), *more),
    )
