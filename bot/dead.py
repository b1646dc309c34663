"""What sayso gave up on or did not accept, for people to see: dead letters and held mail."""

from typing import Literal

from pydantic import AwareDatetime

from agents.requests import Frozen


class Note(Frozen):
    """One line of `sayso dead`. `held` items wait for nothing: nobody can wave them through."""

    kind: Literal["dead", "held"]
    what: str
    why: str
    at: AwareDatetime
    member: str = ""
