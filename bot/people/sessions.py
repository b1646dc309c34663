"""Log-ins of people to the console: a link that works once, and the session that it opens. Only hashes are kept."""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from pydantic import AwareDatetime

from agents.requests import Frozen, PersonId
from agents.requests.proof import BySession, LinkBy
from bot.people.directory import People
from bot.people.marks import hashed
from bot.store import Store, scripts
from bot.store.keys import Keys
from language.stored import Stored

# 200 bits: nobody finds one by trying, so a plain hash of it needs no salt.
_SECRET_BYTES = 25
_MARK_CHARS = 8
LINK_S = 15 * 60.0
SESSION_S = 12 * 3600.0


class Login(Frozen):
    """The person of a link or a session. `is_demo`: beside `sayso dev`, where one person plays everybody.

    `by` is how the link came to the person, and `sent_to` a hash of their address that it went to; empty where it went
    to none.
    """

    person: PersonId
    is_demo: bool = False
    by: LinkBy = "email"
    sent_to: str = ""

    def is_as_good_as(self, other: "Login") -> bool:
        """Return whether whoever has this one needs no log-in by `other`, which is nobody else's and counts no more."""
        is_same = (self.person, self.is_demo) == (other.person, other.is_demo)
        return is_same and other.by in {self.by, "email"}


def brought_by(channel: str) -> LinkBy:
    """Return how a link came that `channel` brought; one that is not known counts no more than a mail."""
    return "slack" if channel == "slack" else "email"


class Session(Login):
    """An open session. `secret` never leaves this process; what the browser holds is another text."""

    secret: bytes
    expires_at: AwareDatetime

    @property
    def proof(self) -> BySession:
        """The proof of who speaks, as it is kept with what is decided in this session."""
        return BySession(link_by=self.by, mark=self.stamp("evidence")[:_MARK_CHARS])

    @property
    def counted_as(self) -> str:
        """Whom what is asked for at once is counted against: as with an API key, its person."""
        return f"person:{self.person}"

    def stamp(self, purpose: str) -> str:
        """Return the stamp that only this session can have made for `purpose`: a form's proof, a mark on a message."""
        digest = hmac.new(self.secret, purpose.encode(), hashlib.sha256).digest()
        return base64.b32encode(digest[:20]).decode().lower()

    def bears(self, stamp: str, purpose: str) -> bool:
        """Return whether `stamp` is this session's for `purpose`."""
        return hmac.compare_digest(stamp.encode(), self.stamp(purpose).encode())


class _Link(Stored, Login):
    pass


class _Kept(Login):
    expires_at: AwareDatetime


class Sessions:
    """Makes links, spends them once, finds and ends sessions. All of them are in one shard."""

    def __init__(self, store: Store, people: People) -> None:
        self._client, self._store, self._people, self._names = store.client, store, people, Keys(0)

    async def link(self, person: PersonId, *, by: LinkBy, is_demo: bool = False, within_s: float = LINK_S) -> str:
        """The token of a new link for `person`, who is in the directory; it can be spent once, `within_s`."""
        token = _random()
        sent_to = self._address(person, by)
        body = _Link(person=person, is_demo=is_demo, by=by, sent_to=sent_to).model_dump_json()
        await self._client.do("SET", self._names.login(_hash(token)), body, "PX", round(within_s * 1000))
        return token

    async def peek(self, token: str) -> Login | None:
        """Return the person a link would let in; nothing is spent. None where it opens nothing.

        Raises WaitsForFile where they may only be missing in a file that is half taken.
        """
        body = await self._client.do("GET", self._names.login(_hash(token)))
        link = None if body is None else _Link.model_validate_json(body)
        if link:
            self._people.check_not_missing(link.person)
        return Login(**dict(link)) if link and self._is_theirs(link) else None

    def _is_theirs(self, login: Login) -> bool:
        """Return whether a link went to what is still its person's: it may have been somebody else's all along."""
        return login.sent_to in {"", self._address(login.person, login.by)}

    def _address(self, person: PersonId, by: LinkBy) -> str:
        contact = None if by == "operator" else self._people.contact(person)
        return hashed(by, getattr(contact, by) or "") if contact else ""

    async def spend(self, token: str) -> str | None:
        """The text of a new session for a link's token; None when it was spent, is too old, or is none of ours.

        Raises WaitsForFile as `peek` does.
        """
        login = await self.peek(token)
        if login is None or not self._people.is_here(login.person):
            return None
        text = _random()
        until = self._store.about_now() + timedelta(seconds=SESSION_S)
        kept = _Kept(**dict(login), expires_at=until).model_dump_json()
        call = scripts.spend(self._names, _hash(token), _hash(text), kept, round(SESSION_S * 1000))
        is_ours = await self._client.run(call)
        return text if is_ours else None

    async def find(self, text: str) -> Session | None:
        """The session whose text this is; None when it has ended, or its person has left or is somebody else.

        So it is once the address is no longer theirs that its link went to. Raises WaitsForFile as `peek` does.
        """
        body = await self._client.do("GET", self._names.session(_hash(text)))
        kept = None if body is None else _Kept.model_validate_json(body)
        if kept is None or kept.expires_at <= self._store.about_now():
            return None
        self._people.check_not_missing(kept.person)
        if not self._people.is_here(kept.person) or not self._is_theirs(kept):
            return None
        return Session(**dict(kept), secret=hashlib.sha256(b"session secret " + text.encode()).digest())

    async def turn(self, text: str, person: PersonId) -> None:
        """Have a demo session look through the eyes of `person`."""
        session = await self.find(text)
        if session is None or not session.is_demo:
            return
        kept = _Kept(person=person, is_demo=True, by=session.by, expires_at=session.expires_at).model_dump_json()
        await self._client.do("SET", self._names.session(_hash(text)), kept, "XX", "KEEPTTL")

    async def end(self, text: str) -> None:
        """Close a session for good."""
        await self._client.do("DEL", self._names.session(_hash(text)))


def _random() -> str:
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().lower()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
