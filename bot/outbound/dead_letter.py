"""What sayso gave up on or did not accept, for people to see: dead letters and held mail."""

from typing import Literal

from pydantic import AwareDatetime

from agents.requests import Frozen


class Note(Frozen):
    """One line of `sayso dead`. `held` items wait for nothing: nobody can wave them through.

    Of a held item, `claims` is whose word it claims to be and `person` who certainly sent it; `about` is its subject,
    `channel` what it came through, `request_id` and `delivery_id` what it would have answered. `asked_by` and
    `asked_at` say which operator had that person asked about it, and when.
    """

    kind: Literal["dead", "held"]
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
