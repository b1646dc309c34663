"""Calls of one server's JSON API. All it says is data, bounded."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from agents.deploy.lookup import MASK, LookFailed
from agents.text import one_line

if TYPE_CHECKING:
    import httpx2

# Nobody waits longer for one answer, and nobody reads more of it.
TIMEOUT_S = 8.0
_ANSWER_BYTES = 4_000_000
SAID_CHARS = 200
# An answer with one of these means that nothing was begun. Others may come from a proxy that gave up waiting.
_NOTHING_DONE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY,
                 HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS)  # fmt: skip
_NOT_LET_IN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

# Headers that hold a token. A shorter one would be found in words that only look alike.
_TOKENS, _TOKEN_BYTES = ("Authorization", "PRIVATE-TOKEN"), 6

Json = dict[str, Any]


class ApiFailed(LookFailed):
    """A server gave no usable answer. `refused`: it certainly did not do what it was asked to."""

    def __init__(self, what: str, *, refused: bool = False) -> None:
        super().__init__(what)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers by names in lower case, and the JSON in it; None for anything else."""

    status: int
    headers: Mapping[str, str]
    said: object

    @property
    def row(self) -> Json:
        """The object that was said; an empty one for anything else."""
        said: object = self.said
        return cast("Json", said) if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True)
class Api:
    """The API of `name` at `base_url`. Every call is one short connection; redirects are not followed with the token.

    `headers` are those of every call; `hint` says where to look when it does not let us in.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    hint: str = ""
    timeout_s: float = TIMEOUT_S

    def url(self, path: str) -> str:
        """The address of `path` below the API; without one, or with a query alone, that of the API itself."""
        return f"{self.base_url}/{path}" if path and not path.startswith("?") else f"{self.base_url}{path}"

    async def get(self, path: str) -> Json:
        """The object at `path`. Raises ApiFailed."""
        return (await self.ask("GET", self.url(path))).row

    async def rows(self, path: str) -> list[Json]:
        """The list of objects at `path`. Raises ApiFailed, also where there is no list."""
        return self.rows_of(await self.ask("GET", self.url(path)))

    def rows_of(self, answer: Answer) -> list[Json]:
        """The list of objects in an answer. Raises ApiFailed where there is none."""
        said: object = answer.said
        if not isinstance(said, list):
            raise ApiFailed(f"{self.name}'s answer is no list")
        return objects(cast("list[object]", said))

    async def ask(self, method: str, url: str, body: Json | None = None) -> Answer:
        """Make one call. Raises ApiFailed: unless it was `refused`, it may have been done all the same."""
        import httpx2  # noqa: PLC0415 - most environments ask no server

        headers = {"Accept": "application/json", "User-Agent": "sayso", **self.headers}
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                httpx2.AsyncClient(timeout=self.timeout_s, follow_redirects=False) as client,
                client.stream(method, url, json=body, headers=headers) as answer,
            ):
                content = await self._read(answer)
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            was_never_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
            why = f"{self.name} can't be reached at {self.base_url}: {type(error).__name__}"
            raise ApiFailed(why, refused=was_never_sent) from error
        said = _json(self._without_token(content))
        if not answer.is_success:
            raise self._failed(answer.status_code, said)
        return Answer(answer.status_code, {key.lower(): value for key, value in answer.headers.items()}, said)

    async def _read(self, answer: "httpx2.Response") -> bytes:
        content = bytearray()
        async for piece in answer.aiter_bytes():
            content += piece
            if len(content) > _ANSWER_BYTES:
                raise ApiFailed(f"{self.name}'s answer is larger than any we can use")
        return bytes(content)

    def _without_token(self, content: bytes) -> bytes:
        """`content` without what let us in, which a server or a proxy may repeat in its words or its links."""
        for name, value in self.headers.items():
            token = value.removeprefix("Bearer ").encode()
            if name in _TOKENS and len(token) >= _TOKEN_BYTES:
                content = content.replace(token, MASK.encode())
        return content

    def _failed(self, status: int, said: object) -> ApiFailed:
        words = one_line(_reason(said), SAID_CHARS) or "no reason"
        fix = f". {self.hint}" if self.hint and status in _NOT_LET_IN else ""
        return ApiFailed(f"{self.name} answered {status}: {words}{fix}", refused=status in _NOTHING_DONE)


def objects(rows: list[object]) -> list[Json]:
    """The objects among `rows`."""
    return [cast("Json", row) for row in rows if isinstance(row, dict)]


def text(row: Json, key: str) -> str:
    """The text at `key`; empty for anything else. JSON may hold half a character, which nothing else takes."""
    value = row.get(key)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def number(row: Json, key: str) -> str:
    """The positive whole number at `key`, which names something there; empty for anything else."""
    value = row.get(key)
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return str(value) if is_number else ""


def inner(row: Json, *keys: str) -> Json:
    """The object that `keys` lead to, one in another; an empty one where they lead nowhere."""
    for key in keys:
        found: object = row.get(key)
        row = cast("Json", found) if isinstance(found, dict) else {}
    return row


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):  # the other: one in another, deeper than anybody means it
        return None


def _reason(said: object) -> str:
    """Return what an error says, in the places where these servers put it."""
    row = cast("Json", said) if isinstance(said, dict) else {}
    found: object = row.get("message") or row.get("error") or ""
    return found if isinstance(found, str) else json.dumps(found)
