"""Ids that begin with their shard: `s3r-k7m2xq9d4v8ab` is a run (`r`) in shard 3, found without a look-up."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Literal, Self, cast, get_args

from bot.errors import NotFound

Kind = Literal["run", "request", "step", "attempt", "delivery", "inbound", "outgoing", "standing"]

_LETTERS: dict[Kind, str] = {
    "run": "r",
    "request": "q",
    "step": "p",
    "attempt": "a",
    "delivery": "d",
    "inbound": "i",
    "outgoing": "o",
    "standing": "g",
}
# 65 bits: no two ids of one installation will ever meet
_RANDOM_CHARS, _RANDOM_BYTES = 13, 9
_FORM = re.compile(r"s(\d{1,2})([a-z])-[a-z2-7]{13}")


WorkKind = Literal["run", "in", "out", "ask", "glass"]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One piece of scheduled work: take a `run`'s turn, handle what came `in`, send what goes `out`, expire an `ask`.

    As a text (`run s0r-abcdefghijklm`) it is a member of its shard's schedule, the same in every release.
    """

    kind: WorkKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @classmethod
    def parse(cls, member: str) -> Self:
        """The work that a schedule's `member` stands for. Raises NotFound for none of this release."""
        kind, _, some_id = member.partition(" ")
        if kind not in get_args(WorkKind):
            raise NotFound(
                f"{member[:60]!r} is no work of this release", f"That is one of {', '.join(get_args(WorkKind))}"
            )
        shard_of(some_id)
        return cls(cast("WorkKind", kind), some_id)


def new_id(kind: Kind, shard: int) -> str:
    """A fresh random id of `kind` in `shard`."""
    tail = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES))[:_RANDOM_CHARS].decode().lower()
    return f"s{shard}{_LETTERS[kind]}-{tail}"


def derived_id(kind: Kind, near: str, what: str) -> str:
    """The one id of `kind` for `what` about `near`, in its shard, however often it is made."""
    digest = hashlib.sha256(f"{what} {near}".encode()).digest()[:_RANDOM_BYTES]
    return f"s{shard_of(near)}{_LETTERS[kind]}-{base64.b32encode(digest)[:_RANDOM_CHARS].decode().lower()}"


def foreign_run(foreign: str, shards: int) -> str:
    """The one run that begins with what is called `foreign` elsewhere, however often that comes.

    `shards` has to be the same each time: there may be more of them by then.
    """
    return derived_id("run", f"s{ingress_shard(foreign, shards)}r-{'a' * _RANDOM_CHARS}", foreign)


def review_of(request_id: str) -> str:
    """Return the one run that asks afterwards whether it was right to break the glass of a request."""
    return derived_id("run", request_id, "review")


def standing_of(run_id: str) -> str:
    """The id of the standing approval that a run asks for; all of them are in the first shard."""
    return derived_id("standing", f"s0r-{'a' * _RANDOM_CHARS}", f"standing approval of {run_id}")


def inbound_of(run_id: str) -> str:
    """The inbound item that a run starts with which begins with one: they share their shard and random part."""
    head, _, tail = run_id.partition("-")
    return f"{head[:-1]}i-{tail}"


def run_of(inbound_id: str) -> str:
    """The run that begins with an inbound item, however often that is handled."""
    head, _, tail = inbound_id.partition("-")
    return f"{head[:-1]}r-{tail}"


def shard_of(some_id: str) -> int:
    """The shard that `some_id` lives in. Raises NotFound."""
    return _match(some_id)[0]


def is_a(some_id: str, kind: Kind) -> bool:
    """Return whether `some_id` has the form of a `kind`. Raises NotFound for a text that is no id at all."""
    return _match(some_id)[1] == _LETTERS[kind]


def check(some_id: str, kind: Kind) -> str:
    """`some_id` itself when it has the form of a `kind`. Raises NotFound, saying what such an id looks like."""
    if not is_a(some_id, kind):
        raise NotFound(f"{some_id!r} is not the id of a {kind}", f"Those look like s0{_LETTERS[kind]}-abcdefghijklm")
    return some_id


def ingress_shard(foreign_id: str, shards: int) -> int:
    """The shard that first sees a foreign id: the same one however often it comes."""
    return int.from_bytes(hashlib.sha256(foreign_id.encode()).digest()[:8], "big") % shards


def _match(some_id: str) -> tuple[int, str]:
    found = _FORM.fullmatch(some_id)
    if not found:
        raise NotFound(f"{some_id[:60]!r} is not an id of ours", "They look like s0r-abcdefghijklm")
    return int(found[1]), found[2]
