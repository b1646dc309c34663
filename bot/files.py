"""What a channel read as a file, on its way into a run: a fact without bytes in an event, and the bytes beside it."""

from collections.abc import Iterable

from agents.events import AnswerNoted, Event, PersonSaid, RequestDecided, RequestRevoked, RunStarted, VoteCast
from agents.requests import Attachment
from channels import File

# The answer to a question when the mail had no words of its own. No name and no text of a file: rules that read
# answers must find nothing there to act on.
ONLY_FILES = "(no text, only attached files)"


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


def size(size_bytes: int) -> str:
    """`312 bytes`, `4.2 KB`, `1.9 MB`"""
    if size_bytes < 1_000:
        return f"{size_bytes} bytes" if size_bytes != 1 else "1 byte"
    return f"{size_bytes / 1_000:.1f} KB" if size_bytes < 999_950 else f"{size_bytes / 1_000_000:.1f} MB"
