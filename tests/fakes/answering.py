"""What the stand-ins for makers of models share: answers by order, given in odd ways, and what they were asked.

`Answer` and `FakeMaker` are for a test; `Scripted` is for the process of the stand-in. Beside
the API itself it speaks `POST /script`, which takes a list of answers, `GET /requests`, what came in, `GET /headers`,
the names of its headers, `POST /release`, which gives the answers that wait, and `POST /list`, which says how models
are listed, as the maker does (`ours`), to `anybody`, not at all (`none`), or without an end (`drips`).
"""

import asyncio
import json
import urllib.request
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

# So often that no single read ever takes long.
_DRIP_S = 0.02

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `hangs` never gives it, `breaks` closes the connection in its middle, `drips` never ends it.

    `swells` packs it with this many megabytes of blanks behind it.

    `waits` gives it after `release`; `anybody` gets it, whatever their key. `counts` says in a message's usage what the
    request was, and what of it was in the cache; which begins empty with each script.
    """

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    hangs: bool = False
    breaks: bool = False
    drips: bool = False
    swells: int = 0
    waits: bool = False
    anybody: bool = False
    counts: bool = False


@dataclass(frozen=True)
class FakeMaker:
    """A running stand-in. `key` is the only one it takes."""

    base_url: str
    key: str = "sk-test-key"

    @property
    def root(self) -> str:
        """Where it is told what to do."""
        return self.base_url

    def answers(self, *answers: Answer) -> None:
        """Answer the next requests so, the last answer for good; forget the requests so far."""
        self._call("/script", json.dumps([asdict(answer) for answer in answers]).encode())

    def requests(self) -> list[Json]:
        """The bodies of all requests since then."""
        return json.loads(self._call("/requests"))

    def headers(self) -> list[str]:
        """The names of the headers that they had, in lower case."""
        return json.loads(self._call("/headers"))

    def release(self) -> None:
        """Give the answers that wait, and those that are still to come, until there are new ones."""
        self._call("/release", b"")

    def lists(self, how: str) -> None:
        """List models as the maker does (`ours`), to `anybody`, not at all (`none`), or on and on (`drips`)."""
        self._call("/list", how.encode())

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(self.root + path, body, timeout=60) as answer:  # noqa: S310
            return answer.read()


@dataclass
class Scripted:
    """The orders for a stand-in, and what it has seen."""

    answers: list[Json] = field(default_factory=list[Json])
    requests: list[Json] = field(default_factory=list[Json])
    headers: set[str] = field(default_factory=set[str])
    released: asyncio.Event = field(default_factory=asyncio.Event)
    listing: str = "ours"

    async def noted(self, request: Request) -> Json:
        """The body of a request, which is remembered."""
        body: Json = await request.json()
        self.requests.append(body)
        self.headers |= set(request.headers)
        return body

    @property
    def is_for_anybody(self) -> bool:
        """Whether the next answer is given whatever the key."""
        return bool(self.answers and self.answers[0].get("anybody"))

    def next(self) -> Json:
        """The answer that is due; there is one."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def given(self, answer: Json, request: Request) -> Response:
        """`answer`, in the way that it asks for."""
        if answer.get("hangs"):
            await _until_gone(request)
        if answer.get("waits"):
            await self.released.wait()
        if answer.get("breaks") or answer.get("drips"):
            return _part_of(answer)
        if megabytes := answer.get("swells"):
            packed, zipped = _swollen(answer["body"], megabytes), {"content-encoding": "gzip"}
            return Response(packed, answer["status"], answer["headers"] | zipped, "application/json")
        return Response(answer["body"], answer["status"], answer["headers"], "application/json")

    async def script(self, request: Request) -> Response:
        self.answers, self.requests, self.released = await request.json(), [], asyncio.Event()
        self.headers = set()
        return Response(status_code=204)

    async def list_as(self, request: Request) -> Response:
        self.listing = (await request.body()).decode()
        return Response(status_code=204)

    async def release(self, _: Request) -> Response:
        self.released.set()
        return Response(status_code=204)

    async def seen(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def named(self, _: Request) -> Response:
        return JSONResponse(sorted(self.headers))

    def app(self, *routes: Route) -> Starlette:
        """The API's own `routes`, and those by which a test steers."""
        return Starlette(
            routes=[
                *routes,
                Route("/script", self.script, methods=["POST"]),
                Route("/release", self.release, methods=["POST"]),
                Route("/list", self.list_as, methods=["POST"]),
                Route("/requests", self.seen),
                Route("/headers", self.named),
            ]
        )


def mistakes_in(node: Json, allowed: frozenset[str]) -> Sequence[str]:
    """What a strict schema may not hold: other keys than `allowed`, and objects that are open."""
    found = [f"{key!r} is not supported" for key in node if key not in allowed]
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        found.append("'additionalProperties' must be explicitly set to false")
    return [*found, *(wrong for part in parts_of(node) for wrong in mistakes_in(part, allowed))]


def parts_of(node: Json) -> Sequence[Json]:
    """The schemas within a schema, one level down."""
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", [])]
    return [*inner, *([node["items"]] if "items" in node else [])]


def _part_of(answer: Json) -> Response:
    """An answer whose body begins as announced, and ends too early or never."""
    body = answer["body"].encode()

    async def parts() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        while answer.get("drips"):
            yield b" "
            await _a_drip()

    size = {} if answer.get("drips") else {"content-length": str(len(body))}
    return StreamingResponse(parts(), answer["status"], answer["headers"] | size, "application/json")


def _swollen(body: str, megabytes: int) -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    parts = [packer.compress(body.encode()), *(packer.compress(b" " * 1_000_000) for _ in range(megabytes))]
    return b"".join([*parts, packer.flush()])


async def _a_drip() -> None:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(_DRIP_S, passed.set)
    await passed.wait()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
