"""The bytes of attached files, and of the lists behind a card's facts, as the store keeps them beside a run."""

import re
from collections.abc import Iterable

from agents.requests import Attachment, Request
from bot.policy.attachments import facts_of
from bot.store.client import Client
from bot.store.keys import Keys

# All bytes of a commit are in memory at once, here and in Redis. What is not copied stays with the source.
_COPIED_BYTES = 25_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


async def whole_lists(client: Client, request: Request) -> dict[str, str]:
    """The lists behind a request's facts by their hashes, as far as they are kept. Raises StoreUnavailable."""
    found = dict[str, str]()
    for fact in facts_of(request):
        content = await content_of(client, request.run_id, fact.full.sha256) if fact.full else None
        if fact.full and content is not None:
            found[fact.full.sha256] = content.decode(errors="replace")
    return found


async def contents_of(client: Client, run_id: str, files: Iterable[Attachment]) -> list[tuple[str, bytes]]:
    """Hash and bytes of `files` of this run, as a commit of another one wants them: those that are still kept."""
    found, left = list[tuple[str, bytes]](), _COPIED_BYTES
    for name, size_bytes in {file.sha256: file.size_bytes for file in files}.items():
        content = await content_of(client, run_id, name) if size_bytes <= left else None
        if content is not None:
            found.append((name, content))
            left -= len(content)
    return found


async def content_of(client: Client, run_id: str, sha256: str) -> bytes | None:
    """The bytes of a file of this run; None when they are kept no longer. Raises NotFound and StoreUnavailable."""
    if not _SHA256.fullmatch(sha256):
        return None
    return await client.do("GET", Keys.of(run_id).file(run_id, sha256))
