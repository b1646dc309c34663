"""The items sayso gave up on or did not accept, for people to see: dead letters and quarantined mail."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator

from agents.requests import Frozen
from bot.store import WorkItem


def _renamed(kind: object) -> object:
    """Read the kind under the name that it had in the release before."""
    return "quarantined" if kind == "held" else kind


class Note(Frozen):
    """One line of `sayso dead`. `quarantined` items wait for nothing: nobody can wave them through.

    Of a quarantined item, `claims` is whose word it claims to be and `person` who certainly sent it; `about` is its
    subject, `channel` what it came through, `request_id` and `delivery_id` what it would have answered. `asked_by` and
    `asked_at` say which operator had that person asked about it, and when.
    """

    kind: Annotated[Literal["dead", "quarantined"], BeforeValidator(_renamed)]
    what: str
    why: str
    at: AwareDatetime
    member: str = ""
    claims: str = ""
    person: str = ""
    about: str = ""
    channel: str = ""
    request_id: str = ""
    delivery_id: str = ""
    asked_by: str = ""
    asked_at: AwareDatetime | None = None

    @property
    def item(self) -> WorkItem:
        """The work that was given up on. Raises NotFound for a quarantined message, which is none."""
        return WorkItem.parse(self.member)
