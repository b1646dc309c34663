"""What a channel read as a file, on its way into a run: a fact without bytes in an event, and the bytes beside it.

The lists that are too long for a card are kept in the same way.
"""

import re
from collections.abc import Iterable, Mapping

from agents.events import AnswerNoted, Event, PersonSaid, RequestDecided, RequestRevoked, RunStarted, VoteCast
from agents.requests import Attachment, Fact, Request
from bot.store.client import Client
from bot.store.keys import Keys
from channels import Card, File, Line


def attachments(files: Iterable[File]) -> tuple[Attachment, ...]:
    """`files` as an event lists them."""
    return tuple(Attachment(**file.model_dump(exclude={"content"})) for file in files)


def contents(files: Iterable[File]) -> list[tuple[str, bytes]]:
    """Hash and bytes of each of `files`, as a commit wants them."""
    return [(file.sha256, file.content) for file in files if len(file.content) == file.size_bytes]


def files_in(event: Event) -> tuple[Attachment, ...]:
    """What is attached to `event`."""
    match event:
        case RunStarted() | PersonSaid() | VoteCast() | AnswerNoted() | RequestDecided() | RequestRevoked():
            return event.files
        case _:
            return ()


def all_files(events: Iterable[Event]) -> tuple[Attachment, ...]:
    """What is attached to any of `events`, in their order."""
    return tuple(file for event in events for file in files_in(event))


def facts_of(request: Request) -> tuple[Fact, ...]:
    """What was looked up for a request."""
    return request.call.effect.facts if request.call else ()


def list_contents(request: Request) -> list[tuple[str, bytes]]:
    """Hash and bytes of the lists behind a request's facts, as a commit wants them."""
    return [(fact.full.sha256, fact.content.encode()) for fact in facts_of(request) if fact.full and fact.content]


async def whole_lists(client: Client, request: Request) -> dict[str, str]:
    """The lists behind a request's facts by their hashes, as far as they are kept. Raises StoreUnavailable."""
    found = dict[str, str]()
    for fact in facts_of(request):
        content = await content_of(client, request.run_id, fact.full.sha256) if fact.full else None
        if fact.full and content is not None:
            found[fact.full.sha256] = content.decode(errors="replace")
    return found


def with_lists(card: Card, request: Request, lists: Mapping[str, str]) -> Card:
    """`card` with all of the lists whose beginnings stand on it."""
    known = {(fact.label, fact.text): lists.get(fact.full.sha256, "") for fact in facts_of(request) if fact.full}

    def whole(line: Line) -> Line:
        found = known.get((line.label, line.text), "")
        return line.model_copy(update={"whole": found}) if found else line

    return card.model_copy(update={"facts": tuple(map(whole, card.facts))}) if known else card


def size(size_bytes: int) -> str:
    """`312 bytes`, `4.2 KB`, `1.9 MB`"""
    if size_bytes < 1_000:
        return f"{size_bytes} bytes" if size_bytes != 1 else "1 byte"
    return f"{size_bytes / 1_000:.1f} KB" if size_bytes < 999_950 else f"{size_bytes / 1_000_000:.1f} MB"


# All bytes of a commit are in memory at once, here and in Redis. What is not copied stays with the source.
_COPIED_BYTES = 25_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
