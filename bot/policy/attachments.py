"""Attachments on their way into a run: a fact without bytes in an event, and the bytes beside it.

The lists that are too long for a card are kept in the same way.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from agents.events import (
    AnswerNoted,
    Event,
    PersonSaid,
    RequestDecided,
    RequestRevoked,
    RunStarted,
    ToolFinished,
    VoteCast,
)
from agents.requests import Attachment, Fact, Request
from channels import Card, File, Line
from language import in_each, say, say_many, speaking
from language.labels import label_of
from language.numbers import tenths
from language.recorded import fact_text

OUTPUT = "output.txt"
"""The file that holds all that a failed command printed."""

# A mail takes this much, and nobody reads more. Where a program says more, how it began and how it ended count.
_OUTPUT_BYTES = 256 * 1024


def attachments(files: Iterable[File]) -> tuple[Attachment, ...]:
    """`files` as an event lists them."""
    return tuple(Attachment(**file.model_dump(exclude={"content"})) for file in files)


def contents(files: Iterable[File]) -> list[tuple[str, bytes]]:
    """Hash and bytes of each of `files`, as a commit wants them."""
    return [(file.sha256, file.content) for file in files if len(file.content) == file.size_bytes]


def files_in(event: Event) -> tuple[Attachment, ...]:
    """Return the attachments of `event`."""
    match event:
        case (
            RunStarted() | PersonSaid() | VoteCast() | AnswerNoted() | RequestDecided() | RequestRevoked()
            | ToolFinished()
        ):  # fmt: skip
            return event.files
        case _:
            return ()


def output_file(printed: str) -> tuple[Attachment, bytes] | None:
    """Return what a command `printed` as a file to be kept, and its bytes: 256 KiB at most, cut in the middle."""
    content, note = printed.encode(errors="replace"), ""
    if not printed.strip():
        return None
    if len(content) > _OUTPUT_BYTES:
        # Room for the line between, and no character is cut in two.
        half = _OUTPUT_BYTES // 2 - 64
        head, tail = content[:half].decode(errors="ignore"), content[-half:].decode(errors="ignore")
        with speaking("en"):
            note = say("card.left-out", size=size(len(content) - 2 * half))
        content = f"{head}\n[… {note} …]\n{tail}".encode()
    file = Attachment(
        name=OUTPUT,
        type="text/plain",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        note=note,
    )
    return file, content


def all_files(events: Iterable[Event]) -> tuple[Attachment, ...]:
    """Return the attachments of all `events`, in their order."""
    return tuple(file for event in events for file in files_in(event))


def facts_of(request: Request) -> tuple[Fact, ...]:
    """Return the facts that were looked up for a request."""
    return request.call.effect.facts if request.call else ()


def list_contents(request: Request) -> list[tuple[str, bytes]]:
    """Hash and bytes of the lists behind a request's facts, as a commit wants them."""
    return [(fact.full.sha256, fact.content.encode()) for fact in facts_of(request) if fact.full and fact.content]


def _as_shown(fact: Fact) -> Iterator[tuple[str, str]]:
    """Label and text in every language: a card may be in any."""
    return zip(in_each(lambda: label_of(fact.label)), in_each(lambda: fact_text(fact.label, fact.text)), strict=True)


def with_lists(card: Card, request: Request, lists: Mapping[str, str]) -> Card:
    """`card` with all of the lists whose beginnings stand on it."""
    known = {
        line: lists.get(fact.full.sha256, "") for fact in facts_of(request) if fact.full for line in _as_shown(fact)
    }

    def whole(line: Line) -> Line:
        found = known.get((line.label, line.text), "")
        return line.model_copy(update={"whole": found}) if found else line

    return card.model_copy(update={"facts": tuple(map(whole, card.facts))}) if known else card


def size(size_bytes: int) -> str:
    """`312 bytes`, `4.2 KB`, `1.9 MB`"""
    if size_bytes < 1_000:
        return say_many("words.bytes", size_bytes)
    if size_bytes < 999_950:
        return say("words.kilobytes", number=tenths(size_bytes / 1_000))
    return say("words.megabytes", number=tenths(size_bytes / 1_000_000))
