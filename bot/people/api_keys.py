"""API keys: whose word a program brings, and what it may do. Only a hash of a key is kept."""

import base64
import hashlib
import re
import secrets
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal, cast, get_args

import structlog
from pydantic import AwareDatetime, Field, JsonValue, model_validator

from agents.requests import Frozen, PersonId
from agents.requests.proof import ByKey, LinkBy, Proof
from bot.audit.log import AuditLog
from bot.errors import Invalid, NotFound
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client, TakesNoWrites
from bot.store.keys import Keys
from language import say
from language.stored import Stored

# What our own command line calls itself. It proves nothing: the key says whose word it is.
USER_AGENT = "sayso-cli"

Scope = Literal["ask", "trigger", "read", "answer", "steer", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

# 200 bits: nobody finds one by trying, so a plain hash of it needs no salt.
_SECRET_BYTES, _PREFIX_BYTES = 25, 5
_FORM = re.compile(r"sayso_[a-z2-7]{8}_[a-z2-7]{40}")
_TERMINAL, _POLICY = "terminal", "policy:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# When a key was last used is for people who tidy up; a write for each request would be too dear.
_USED_EVERY = timedelta(minutes=1)
# So long the list still says whose a key was that somebody finds in an old event.
_REVOKED_KEPT = timedelta(days=400)


log = structlog.stdlib.get_logger()


class ApiKey(Stored, Frozen):
    """A key without its secret. Exactly one of `person` and `service` is set; `prefix` is how people tell keys apart.

    It speaks for its person and for those in `acts_for`; `admin` includes all other scopes. With `ask` it asks people,
    and follows, begins and takes back what it asked itself, and nothing of anybody else's. `asks` are those whom its
    program may ask by itself (`person:bo`, `group:release`, `policy:production`); without any, those it speaks for.
    `holders` are the people in whose hands a service's key is: they ask for what it asks for. `made_by`: an operator in
    a terminal, its person in a session of their own, or a `sayso dev`, which lends it for as long as it runs. `link_by`
    is how the link of that session came, None where there was none, and `sent_to` a hash of the address it went to: the
    key opens nothing once that has become somebody else's, who may have made it, also after they have left. `shards` is
    how many there were when it was made. One that `only_asks` came with a call to `/mcp`, and reaches nothing but what
    it asked itself; `way` is how it came now.
    """

    TOLD = frozenset({"person", "service", "name", "acts_for", "asks", "holders", "made_by", "shards", "revoked_at"})

    prefix: str
    person: PersonId | None = None
    service: str | None = None
    name: str = ""
    scopes: tuple[Scope, ...]
    acts_for: tuple[PersonId, ...] = ()
    asks: tuple[str, ...] = ()
    holders: tuple[PersonId, ...] = ()
    made_by: Literal["operator", "person", "dev"] = "operator"
    link_by: LinkBy | None = None
    sent_to: str = ""
    shards: int = 1
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
    only_asks: bool = Field(default=False, exclude=True)
    way: Literal["api", "cli"] = Field(default="api", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _rests_on_a_mail_unless_said(cls, told: Any) -> Any:
        """Take a key of somebody's session for one that rests on a mail where nothing says how its link came."""
        if not isinstance(told, dict):
            return told
        said = cast("dict[str, Any]", told)
        return {**said, "link_by": said.get("link_by") or "email"} if said.get("made_by") == "person" else said

    @property
    def owner(self) -> str:
        """`person:bo` or `service:ci`."""
        return f"person:{self.person}" if self.person else f"service:{self.service}"

    @property
    def counted_as(self) -> str:
        """Whom what it asks for at once is counted against: its person, with all their keys, or a service's key itself.

        A person makes keys as they like; those of services are made by operators, for as many programs.
        """
        return self.owner if self.person else f"key {self.prefix}"

    @property
    def speaker(self) -> PersonId:
        """The speaker in events: the person, or `service:ci`, which can be no person's name."""
        return self.person or PersonId(f"service:{self.service}")

    def may(self, scope: Scope) -> bool:
        """Return whether the key has `scope`; `admin` has all."""
        return scope in self.scopes or "admin" in self.scopes

    def asked(self, prefix: str) -> bool:
        """Return whether it is the key with this `prefix`, which asked for something."""
        return bool(prefix) and prefix == self.prefix

    @property
    def proof(self) -> ByKey:
        """The proof of who speaks, as it is kept with what this key decides."""
        return ByKey(channel=self.way, key=self.prefix, made_by=self.made_by, link_by=self.link_by)

    @property
    def is_of_nobody(self) -> bool:
        """True for an active service key whose holder nobody named."""
        return self.service is not None and not self.holders and self.revoked_at is None

    def speaks_for(self) -> tuple[PersonId, ...]:
        """Return the people it may ask for, its own person first."""
        return tuple(dict.fromkeys([*([self.person] if self.person else []), *self.acts_for]))

    def may_ask(self) -> tuple[str, ...]:
        """Return the people its program may ask by itself, and the policies under which it may want approvals."""
        return self.asks or tuple(f"person:{person}" for person in self.speaks_for())


def people_in(may_ask: Iterable[str]) -> list[str]:
    """Return the people and groups that a key may ask (`person:bo`)."""
    return [ref for ref in may_ask if not ref.startswith(_POLICY)]


def policies_in(may_ask: Iterable[str]) -> list[str]:
    """Return the names of the policies under which a key may ask."""
    return [ref.removeprefix(_POLICY) for ref in may_ask if ref.startswith(_POLICY)]


class Keyring:
    """Makes, finds, lists and revokes keys. All of them are in one shard."""

    def __init__(self, store: Store, people: People) -> None:
        self._client, self._store, self._people, self._names = store.client, store, people, Keys(0)
        self._audit = AuditLog(store)
        self._lent = dict[str, ApiKey]()

    async def create(
        self,
        *,
        person: str | None = None,
        service: str | None = None,
        scopes: Sequence[str],
        acts_for: Sequence[str] = (),
        asks: Sequence[str] = (),
        name: str = "",
        holders: Sequence[str] = (),
        made_by: Literal["operator", "person"] = "operator",
        link_by: LinkBy | None = None,
        sent_to: str = "",
        proof: Proof | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can read again. Raises Invalid and NotFound.

        `link_by`, `sent_to` and `proof` are those of the session in which its person makes it.
        """
        if (person is None) == (service is None):
            raise Invalid("A key belongs to one person or to one service", "Give --person or --service")
        if service is not None and not _NAME.fullmatch(service):
            raise Invalid(
                f"{service[:60]!r} is no name for a service", "Use letters, digits, dots, hyphens, underscores"
            )
        if holders and service is None:
            raise Invalid(
                "A person's key is that person's alone", "Leave out --holder, or make the key for a --service"
            )
        prefix, secret = _random(_PREFIX_BYTES), _random(_SECRET_BYTES)
        key = ApiKey(
            prefix=prefix,
            person=None if person is None else self._people.named(person),
            service=service,
            name=name[:100],
            scopes=_scopes(scopes),
            acts_for=tuple(self._people.named(one) for one in acts_for),
            asks=tuple(dict.fromkeys(self._known(ref) for ref in self._people.refs(asks))),
            holders=tuple(dict.fromkeys(self._people.named(one) for one in holders)),
            made_by=made_by,
            link_by=link_by,
            sent_to=sent_to,
            shards=self._store.shards,
            created_at=self._store.about_now(),
        )
        text = f"sayso_{prefix}_{secret}"
        await self._forget_revoked()
        is_own = made_by == "person"
        await self._noted("key_made", key, key.person if is_own else None, proof)
        await self._client.do("HSET", self._names.api_keys, _hash(text), key.model_dump_json())
        log.info("key made", key=f"sayso_{prefix}", owner=key.owner, scopes=key.scopes, made_by=made_by)
        return key, text

    async def _noted(
        self,
        kind: Literal["key_made", "key_revoked"],
        key: ApiKey,
        by: PersonId | None,
        proof: Proof | None,
    ) -> None:
        scopes: list[JsonValue] = list(key.scopes)
        await self._audit.note(
            kind,
            who=by,
            proof=proof,
            people=[*([key.person] if key.person else []), *key.holders],
            words=key.owner,
            detail={"key": f"sayso_{key.prefix}", "scopes": scopes, "made_by": key.made_by},
        )

    async def _forget_revoked(self) -> None:
        """Forget keys that were revoked long ago, so that the list does not grow with every key there ever was."""
        before = self._store.about_now() - _REVOKED_KEPT
        for name, body in _pairs(await self._client.do("HGETALL", self._names.api_keys)):
            revoked_at = ApiKey.model_validate_json(body).revoked_at
            if revoked_at and revoked_at < before:
                await self._client.read(["HDEL", self._names.api_keys, name], ["HDEL", self._names.api_keys_used, name])

    def lend(self, person: str | None) -> str:
        """The text of a key that opens everything to `person`, or to the operators' terminal, while this process runs.

        Only for `sayso dev`, where one person plays everybody. Raises NotFound.
        """
        prefix, secret = _random(_PREFIX_BYTES), _random(_SECRET_BYTES)
        text = f"sayso_{prefix}_{secret}"
        self._lent[_hash(text)] = ApiKey(
            prefix=prefix,
            person=None if person is None else self._people.named(person),
            service=_TERMINAL if person is None else None,
            scopes=SCOPES,
            asks=tuple(f"person:{one}" for one in self._people.all()),
            made_by="dev",
            created_at=self._store.about_now(),
        )
        return text

    def _known(self, ref: str) -> str:
        """`ref` itself, which means somebody. Raises Invalid."""
        kind, _, name = ref.partition(":")
        now = self._store.about_now()
        is_known = {
            "person": lambda: bool(self._people.members([ref], now)),
            "group": lambda: name in self._people.tables.groups or bool(self._people.members([ref], now)),
            "oncall": lambda: name in self._people.tables.oncall,
            "policy": lambda: name in self._people.tables.policies,
        }
        if kind in is_known and is_known[kind]():
            return ref
        allowed = "person:NAME, group:NAME, oncall:NAME or policy:NAME, as sayso.toml has them"
        raise Invalid(f"There is no {ref[:80]!r} to ask", f"Allowed: {allowed}")

    async def find(self, text: str) -> ApiKey | None:
        """The key that `text` is; None for one that is not ours, is revoked, or whose person has left.

        Whoever else gets the id of somebody who has left gets none of their keys, and is nobody for whom a key acts.
        Raises WaitsForFile where its person may only be missing in a file that is half taken.
        """
        if not _FORM.fullmatch(text):
            return None
        hashed = _hash(text)
        if lent := self._lent.get(hashed):
            return lent
        body, used = await self._client.read(
            ["HGET", self._names.api_keys, hashed], ["HGET", self._names.api_keys_used, hashed]
        )
        key = self._good(body)
        if key is None:
            return None
        now = self._store.about_now()
        if used is None or now - datetime.fromisoformat(used.decode()) >= _USED_EVERY:
            with suppress(TakesNoWrites):  # whoever only looks can do so
                await self._client.do("HSET", self._names.api_keys_used, hashed, now.isoformat())
        return key

    async def still(self, text: str) -> ApiKey | None:
        """Return the key as `find` would still find it; it does not count as a use."""
        hashed = _hash(text)
        return self._lent.get(hashed) or self._good(await self._client.do("HGET", self._names.api_keys, hashed))

    def _good(self, body: bytes | None) -> ApiKey | None:
        key = None if body is None else ApiKey.model_validate_json(body)
        if key is None or key.revoked_at:
            return None
        if key.person is None:
            return key
        self._people.check_not_missing(key.person)
        is_anothers = self._people.is_of_another(key.person, key.link_by or "", key.sent_to)
        return None if is_anothers or not self._people.is_here(key.person) else key

    async def all(self) -> list[tuple[ApiKey, datetime | None]]:
        """Every key, oldest first, and when it was last used."""
        found, used = await self._client.read(["HGETALL", self._names.api_keys], ["HGETALL", self._names.api_keys_used])
        at = {name: datetime.fromisoformat(moment.decode()) for name, moment in _pairs(used)}
        keys = [(ApiKey.model_validate_json(body), at.get(name)) for name, body in _pairs(found)]
        return sorted(keys, key=lambda pair: pair[0].created_at)

    async def revoke(self, prefix: str, by: PersonId | None, *, proof: Proof | None) -> ApiKey:
        """The key that never opens anything again, revoked by somebody or in a terminal. Raises NotFound."""
        wanted = prefix.removeprefix("sayso_").partition("_")[0]
        for name, body in _pairs(await self._client.do("HGETALL", self._names.api_keys)):
            key = ApiKey.model_validate_json(body)
            if key.prefix == wanted:
                revoked = key.model_copy(update={"revoked_at": key.revoked_at or self._store.about_now()})
                await self._noted("key_revoked", key, by, proof)
                await self._client.do("HSET", self._names.api_keys, name, revoked.model_dump_json())
                return revoked
        raise NotFound(f"There is no key {wanted[:60]!r}", "`sayso keys list` shows them")


async def keys_of_nobody(client: Client, here: Container[str]) -> list[ApiKey]:
    """The keys of services that still open something, and that nobody holds who is `here`, or nobody knows who does."""
    found = _pairs(await client.do("HGETALL", Keys(0).api_keys))
    keys = [ApiKey.model_validate_json(body) for _, body in found]
    unheld = (key for key in keys if key.service and not key.revoked_at and not any(one in here for one in key.holders))
    return sorted(unheld, key=lambda key: key.created_at)


def _scopes(wanted: Sequence[str]) -> tuple[Scope, ...]:
    unknown = sorted(set(wanted) - set(SCOPES))
    if unknown or not wanted:
        found = say("error.no-scope", names=", ".join(unknown)) if unknown else say("error.empty-scope")
        raise Invalid(found, say("run.there-are", names=", ".join(SCOPES)))
    return tuple(scope for scope in SCOPES if scope in wanted)


def _random(size_bytes: int) -> str:
    return base64.b32encode(secrets.token_bytes(size_bytes)).decode().lower()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _pairs(found: dict[bytes, bytes] | Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return list(found.items()) if isinstance(found, dict) else list(zip(found[::2], found[1::2], strict=True))
