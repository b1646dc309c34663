"""The connection to a model's server, of which no answer can fill the memory. Only who is asked imports it."""

from typing import Any

import httpx2

ANSWER_BYTES = 8_000_000
"""Many times what a step or what a server says of a model is long."""

# They say how a body travelled, and ours has been unpacked.
_TRAVELLED = ("content-encoding", "content-length", "transfer-encoding")


class TooLarge(httpx2.TransportError):
    """A server sends more than any answer of a model is long."""


class Bounded(httpx2.AsyncClient):
    """Reads whole answers only, also errors and redirections, and of each no more than `ANSWER_BYTES` unpacked."""

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        """Send a request and follow redirections. Raises TooLarge and httpx2's errors."""
        how |= {"stream": True, "follow_redirects": False}
        for _ in range(self.max_redirects):
            answer = await super().send(request, **how)
            try:
                whole = await _whole(answer)
            finally:
                await answer.aclose()
            if answer.next_request is None:
                return whole
            request = answer.next_request
        raise httpx2.TooManyRedirects("Exceeded maximum allowed redirects.", request=request)


async def _whole(answer: httpx2.Response) -> httpx2.Response:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise TooLarge("the answer is too large")
    headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _TRAVELLED]
    return httpx2.Response(
        answer.status_code, headers=headers, content=bytes(body), request=answer.request, extensions=answer.extensions
    )
