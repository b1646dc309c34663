"""The audit log: search it, a page at a time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from agents.requests import Frozen
from bot.audit.reading import Query as Wanted
from bot.people.api_keys import ApiKey
from bot.policy.audited import Kind
from bot.web.api import docs
from bot.web.api.docs import answers
from bot.web.api.keyed import HereNow, needs
from bot.web.api.shapes import Absent, Limit

router = APIRouter(prefix="/v1", tags=["operation"])

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~[0-9]{1,6})?$")]
_Run = Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,2}r-[a-z2-7]{13}$")]
_Places = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]{1,15}(-[0-9]{1,2}\.[0-9]{1,15}){0,63}$")]


class AuditPage(Frozen):
    """Records in the order of time. `next` is the cursor for those that follow; nothing is audited before `since`."""

    records: tuple[dict[str, JsonValue], ...]
    next: str | None
    since: AwareDatetime | None


class AuditWanted(Frozen):
    """Which records are wanted."""

    person: _Name | Absent = Field(default=None, description="Who did it, or whom it is about.")
    policy: _Name | Absent = Field(default=None, description="The policy of the request.")
    run: _Run | Absent = Field(default=None, description="The run.")
    kind: Kind | Absent = Field(default=None, description="What happened: `vote`, `decided`, `frozen`.")
    since: AwareDatetime | Absent = Field(default=None, description="The first moment.")
    until: AwareDatetime | Absent = Field(default=None, description="The moment before which it was.")
    cursor: _Places | Absent = Field(default=None, description="`next` of the page before.")
    limit: Limit = 50


@router.get("/audit", operation_id="searchAudit", responses=answers(403, 404, 422, shown={200: docs.AUDIT}))
async def search(
    key: Annotated[ApiKey, Depends(needs("audit"))],
    here: HereNow,
    asked: Annotated[AuditWanted, Query()],
) -> AuditPage:
    """List sealed audit records, oldest first; sealing takes a second or two."""
    await here.app.guard.check(here.app.access.rights.of_key(key), "audit")
    wanted = Wanted(asked.person or "", asked.policy or "", asked.run or "", asked.kind or "", asked.since, asked.until)
    records, following = await here.app.audit.search(wanted, asked.cursor or "", asked.limit)
    return AuditPage(records=tuple(records), next=following or None, since=await here.app.audit.since())
