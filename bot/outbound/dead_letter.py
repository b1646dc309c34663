"""The items sayso gave up on or did not accept, for people to see: dead letters and quarantined mail."""

from typing import Literal

from pydantic import AwareDatetime

from agents.requests import Frozen
from bot.people.directory import People
from bot.store import WorkItem
from language import say
from language.recorded import reason_of, trouble_of


class Note(Frozen):
    """One line of `sayso dead`. `quarantined` items wait for nothing: nobody can wave them through.

    Of a quarantined item, `claims` is whose word it claims to be and `person` who certainly sent it; `about` is its
    subject, `channel` what it came through, `request_id` and `delivery_id` what it would have answered. `asked_by` and
    `asked_at` say which operator had that person asked about it, and when. `what` and `why` are English.
    """

    kind: Literal["dead", "quarantined"]
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


def what_of(note: Note, people: People) -> str:
    """Return what the line is about, in the language that is spoken."""
    if note.kind == "dead":
        return trouble_of(note.what)
    if note.person:
        return say("notice.listed-from", name=people.name_of(note.person))
    return say("notice.listed-claims", claims=note.claims) if note.claims else say("notice.listed-nobody")


def why_of(note: Note) -> str:
    """Return why nothing comes of it by itself, in the language that is spoken; others' words stay."""
    return trouble_of(note.why) if note.kind == "dead" else reason_of(note.why)
