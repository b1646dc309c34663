"""Standing approvals in Redis, all in one shard: their uses are counted by the script that records them.

A use is counted here first, and then the request is opened and decided in the shard of its run. A crash between the two
spends a use of which nothing comes, and never adds one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from agents.requests import PersonId, Request
from agents.requests.proof import Proof
from bot.audit.log import AuditLog
from bot.policy.standing import Ended, Standing, StandingApproval, Use
from bot.store import Keys, NotReplicated, Store, scripts
from bot.store import client as clock
from bot.store.ids import check, standing_of

_HOME = Keys(0)
# So long people can look up what was used; what happened is in the runs and in the audit log.
_KEPT = timedelta(days=30)
# Whoever needs more of them needs another policy; and all of them are looked at for each call.
_MOST = 20
_MOST_LISTED = 500
_REASON_CHARS = 500


class KeptStandings:
    """Reads and writes standing approvals. All methods raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._client, self._audit = store, store.client, AuditLog(store)

    @staticmethod
    def id_for(run_id: str) -> str:
        """Return the id of what a run asks for."""
        return standing_of(run_id)

    async def grant(self, approval: StandingApproval) -> bool:
        """Write one down, once by its id; False where its person has too many."""
        until, kept = round(approval.until.timestamp() * 1000), round(_KEPT.total_seconds() * 1000)
        body, uses, person = approval.model_dump_json(), approval.uses, approval.person
        # Those that are revoked or spent stand there until they would have been over.
        known = await self.of_person(person)
        ended = [one for one in known if one.state in {"revoked", "spent"} and one.now < one.approval.until]
        most = _MOST + len(ended)
        return await self._client.run(scripts.grant_standing(_HOME, approval.id, person, body, uses, until, kept, most))

    async def read(self, standing_id: str) -> Standing | None:
        """Return one as it stands; None for none, or one that ended long ago. Raises NotFound for what is no id."""
        check(standing_id, "standing")
        return next(iter(await self._read([standing_id])), None)

    async def of_person(self, person: PersonId) -> list[Standing]:
        """Return those that a person may use, and those that were over lately; the one that ends first comes first."""
        return await self._read(await self._ids(_HOME.standings_of(person)))

    async def in_session(self, request: Request) -> list[str]:
        """Return the ids of those that hold now in the session of `request`."""
        session = f"{request.asked_with} {request.thread}"
        found = await self.of_person(request.requesters[0])
        return [one.approval.id for one in found if one.state == "valid" and one.approval.pattern.session == session]

    async def all(self) -> list[Standing]:
        """Return all of them, what ends last first; of very many the last ones."""
        return (await self._read(await self._ids(_HOME.standings)))[::-1]

    async def ids(self) -> list[str]:
        """Return the ids of all of them, however many, what ends first first."""
        return [one.decode() for one in await self._client.do("ZRANGE", _HOME.standings, 0, -1)]

    async def _ids(self, key: str) -> list[str]:
        return [one.decode() for one in await self._client.do("ZRANGE", key, -_MOST_LISTED, -1)]

    async def _read(self, ids: Sequence[str]) -> list[Standing]:
        *found, time, kept = await self._client.read(
            *(["HGETALL", _HOME.standing(one)] for one in ids), *clock.asked(_HOME)
        )
        now = clock.adjusted(time, kept)[0]
        held = [{name.decode(): body for name, body in one.items()} for one in found]
        return [_standing(one, now) for one in held if "body" in one]

    async def use(self, standing_id: str, use: Use) -> int:
        """Count a use, once for its request; its number, 0 where none is left or it counts no longer.

        Raises NotReplicated where too few replicas would know of it: it could be used again after a fail-over.
        """
        if not await self._store.is_replicated(standing_id):  # before it costs a use
            raise NotReplicated
        call = scripts.use_standing(_HOME, standing_id, use.request_id, use.model_dump_json())
        number = await self._client.run(call)
        if number and not await self._store.is_replicated(standing_id):
            raise NotReplicated
        return number

    async def revoke_all(self, reason: str) -> int:
        """End all that are valid, in nobody's name; asked again, return how many this `reason` has ended by now."""
        ids, count = await self.ids(), 0
        for at in range(0, len(ids), _MOST_LISTED):
            for one in await self._read(ids[at : at + _MOST_LISTED]):
                ended = Ended(at=one.now, reason=reason)
                is_ended = one.state == "valid" and await self.revoke(one.approval.id, ended, outcome="restored")
                count += is_ended or (one.revoked is not None and one.revoked.reason == reason)
        return count

    async def revoke(
        self,
        standing_id: str,
        ended: Ended,
        *,
        proof: Proof | None = None,
        channel: str = "",
        outcome: str = "",
        is_told: bool = False,
    ) -> bool:
        """End one; False where it was revoked before. From then on no use is counted. The audit log says it first.

        Where it `is_told` to people, it is among the `ending` until that is `done`.
        """
        found = await self.read(standing_id)
        if found is None or found.revoked:
            return False
        await self._audit.note(
            "standing_revoked",
            who=ended.by or None,
            proof=proof,
            channel=channel,
            people=(found.approval.person,),
            run_id=found.approval.run_id,
            environment=found.approval.pattern.environment or "",
            outcome=outcome,
            words=ended.reason,
            detail={"standing": standing_id},
            once=f"{standing_id} {ended.by}",
        )
        ended = ended.model_copy(update={"reason": ended.reason[:_REASON_CHARS]})
        key, body = _HOME.standing(standing_id), ended.model_dump_json()
        noted = [["SADD", _HOME.standings_ending, standing_id]] if is_told else []
        return (await self._client.run(scripts.set_if(key, "revoked", body, "", also=noted))).is_set

    async def ending(self) -> list[str]:
        """Return the ids of those that have ended, and of whose end people are still to be told."""
        return sorted(one.decode() for one in await self._client.do("SMEMBERS", _HOME.standings_ending))

    async def done(self, standing_id: str) -> None:
        """Note that all was done that its end asks for."""
        await self._client.do("SREM", _HOME.standings_ending, standing_id)


def _standing(held: Mapping[str, bytes], now: datetime) -> Standing:
    uses = [Use.model_validate_json(body) for name, body in held.items() if name.startswith("use ")]
    return Standing(
        approval=StandingApproval.model_validate_json(held["body"]),
        uses=tuple(sorted(uses, key=lambda use: use.at)),
        revoked=Ended.model_validate_json(held["revoked"]) if "revoked" in held else None,
        now=now,
    )
