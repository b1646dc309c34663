"""The audit record: one fact that somebody may have to answer for, whichever way it came about."""

from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from agents.requests import Frozen, PersonId
from agents.requests.proof import Proof
from language.stored import Stored


class AuditRecord(Stored, Frozen):
    """One fact. `kind` names it, one of `Kind`; what a later release noted may have one that is not known here.

    `who` did it, None for code; `proof` is how the `channel` knew who it was; people read it in words, as
    `evidence`. `people` are others whom it is about.
    `run_id`, the number `seq` of its event there, `request_id`, `revision`, `digest`, `tool` and `environment` say what
    it was about, as far as there is one. `outcome` is what became of it in one word, `words` what was written with it.
    `policy` is the rule called `policy_name` as it stood, `cards` what was put in front of people: the first one whole,
    and what differed in others. `detail` holds whatever else there is. `writers` are those whose words may stand on the
    cards; it is no part of what is kept.
    """

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    at: AwareDatetime
    who: PersonId | None = None
    channel: str = ""
    proof: Proof | None = None
    people: tuple[PersonId, ...] = ()
    run_id: str = ""
    seq: int = 0
    request_id: str = ""
    revision: int = 0
    digest: str = ""
    tool: str = ""
    environment: str = ""
    outcome: str = ""
    words: str = ""
    policy_name: str = ""
    policy: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    cards: tuple[JsonValue, ...] = ()
    detail: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    release: str = ""
    writers: tuple[PersonId, ...] = Field(default=(), exclude=True)
