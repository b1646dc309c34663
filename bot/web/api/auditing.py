"""The audit log: search it, a page at a time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, JsonValue, StringConstraints

from agents.requests import Frozen
from bot.audit.reading import Query as Wanted
from bot.people.api_keys import ApiKey
from bot.policy.audited import Kind
from bot.web.api import docs
from bot.web.api.docs import answers
from bot.web.api.keyed import HereNow, Way, needs, only_known_queries
from bot.web.api.shapes import Absent, Limit

router = APIRouter(prefix="/v1", tags=["operation"], dependencies=[Depends(only_known_queries)])

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~[0-9]{1,6})?$")]
_Run = Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,2}r-[a-z2-7]{13}$")]
_Places = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]{1,15}(-[0-9]{1,2}\.[0-9]{1,15}){0,63}$")]


class AuditPage(Frozen):
    """Records in the order of time. `next` is the cursor for those that follow; nothing is audited before `since`."""

    records: tuple[dict[str, JsonValue], ...]
    next: str | None
    since: AwareDatetime | None


@router.get("/audit", operation_id="searchAudit", responses=answers(403, 404, 422, shown={200: docs.AUDIT}))
async def search(
    key: Annotated[ApiKey, Depends(needs("audit"))],
    here: HereNow,
    way: Way,
    person: Annotated[_Name | Absent, Query(description="Who did it, or whom it is about.")] = None,
    policy: Annotated[_Name | Absent, Query(description="The policy of the request.")] = None,
    run: Annotated[_Run | Absent, Query(description="The run.")] = None,
    kind: Annotated[Kind | Absent, Query(description="What happened: `vote`, `decided`, `frozen`.")] = None,
    since: Annotated[AwareDatetime | Absent, Query(description="The first moment.")] = None,
    until: Annotated[AwareDatetime | Absent, Query(description="The moment before which it was.")] = None,
    cursor: Annotated[_Places | Absent, Query(description="`next` of the page before.")] = None,
    limit: Limit = 50,
) -> AuditPage:
    """List the sealed records of the audit log, oldest first. Sealing takes a second or two."""
    await here.app.guard.check(here.app.access.rights.of_key(key), "audit", way)
    wanted = Wanted(person or "", policy or "", run or "", kind or "", since, until)
    records, following = await here.app.audit.search(wanted, cursor or "", limit)
    return AuditPage(records=tuple(records), next=following or None, since=await here.app.audit.since())
