"""The audit record: one fact that somebody may have to answer for, whichever way it came about."""

import operator
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from agents.requests import Frozen, PersonId


class AuditRecord(Frozen):
    """One fact. `kind` names it, one of `Kind`; what a later release noted may have one that is not known here.

    `who` did it, None for code; `evidence` is how the `channel` knew who it was. `people` are others whom it is about.
    `run_id`, the number `seq` of its event there, `request_id`, `revision`, `digest`, `tool` and `environment` say what
    it was about, as far as there is one. `outcome` is what became of it in one word, `words` what was written with it.
    `policy` is the rule called `policy_name` as it stood, `cards` what was put in front of people: the first one whole,
    and what differed in others. `detail` holds whatever else there is. `writers` are those whose words may stand on the
    cards; it is no part of what is kept.
    """

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    at: AwareDatetime
    who: PersonId | None = None
    channel: str = Field(default="", exclude_if=operator.not_)
    evidence: str = Field(default="", exclude_if=operator.not_)
    people: tuple[PersonId, ...] = Field(default=(), exclude_if=operator.not_)
    run_id: str = Field(default="", exclude_if=operator.not_)
    seq: int = Field(default=0, exclude_if=operator.not_)
    request_id: str = Field(default="", exclude_if=operator.not_)
    revision: int = Field(default=0, exclude_if=operator.not_)
    digest: str = Field(default="", exclude_if=operator.not_)
    tool: str = Field(default="", exclude_if=operator.not_)
    environment: str = Field(default="", exclude_if=operator.not_)
    outcome: str = Field(default="", exclude_if=operator.not_)
    words: str = Field(default="", exclude_if=operator.not_)
    policy_name: str = Field(default="", exclude_if=operator.not_)
    policy: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue], exclude_if=operator.not_)
    cards: tuple[JsonValue, ...] = Field(default=(), exclude_if=operator.not_)
    detail: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue], exclude_if=operator.not_)
    release: str = Field(default="", exclude_if=operator.not_)
    writers: tuple[PersonId, ...] = Field(default=(), exclude=True)
