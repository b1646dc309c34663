"""Mail to the desk's address: how much of it begins runs, and what they begin with."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from agents.desk import Mail
from agents.desk.mail import context_of
from agents.requests import PersonId
from agents.text import one_line
from bot.config.tables import DeskConfig, Rate
from bot.errors import Invalid, RateLimited
from bot.store import Store
from channels import Inquiry

_SUBJECT_CHARS, _NAME_CHARS, _NAMES = 150, 100, 20


class Inquiries:
    """Counts what comes to the desk; a loop, or a flood, ends where somebody can see it."""

    def __init__(self, store: Store, config: DeskConfig) -> None:
        self._store, self._config = store, config

    async def admitted(
        self, enquiry: Inquiry, inbound_id: str, at: datetime
    ) -> tuple[PersonId, Mapping[str, JsonValue]]:
        """Return the person in whose name the run is, and its context. Raises Invalid for one that may begin no run."""
        config = self._config
        if config.owner is None:
            raise Invalid("There is no desk any more: [desk] of sayso.toml has no owner", "Answer this one by hand")
        whose = f"{enquiry.sender} (desk.per_sender in sayso.toml)"
        await self._count(f"desk {enquiry.sender}", inbound_id, config.per_sender, whose)
        await self._count("desk", inbound_id, config.per_day, "the desk (desk.per_day in sayso.toml)")
        return PersonId(config.owner.partition(":")[2]), context_of(_mail(enquiry, at))

    def wish(self, enquiry: Inquiry) -> str:
        """Return what the run is to do, in words of code: what somebody wrote to the desk is not the owner's word."""
        subject = one_line(enquiry.subject, _SUBJECT_CHARS)
        return f"Answer the mail “{subject}” from {enquiry.sender}" if subject else f"Answer {enquiry.sender}"

    async def _count(self, name: str, inbound_id: str, limit: Rate, whose: str) -> None:
        if not await self._store.admit(name, inbound_id, limit.count, limit.per_s):
            text = f"{limit.count} mails in {limit.per_s:.0f} s are the limit of {whose}"
            raise RateLimited(text, "Answer this one by hand", await self._store.admitted_in_s(name, limit.per_s))


def _mail(enquiry: Inquiry, at: datetime) -> Mail:
    names, left = enquiry.files[:_NAMES], len(enquiry.files) - _NAMES
    more = (f"and {left} more",) if left > 0 else ()
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
