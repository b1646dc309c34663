"""What is attached to a message: name, type, size, and of text files the text.

File objects: https://docs.slack.dev/reference/objects/file-object. Nothing here loses a message: what can't be had of a
file is said in its note.
"""

import hashlib
from collections.abc import Awaitable, Callable

from pydantic import JsonValue

from channels import ChannelError, File
from channels.filetypes import ALL_TEXT_BYTES, TEXT_BYTES, UNKNOWN_TYPE, headed, is_text, is_type
from channels.showing import one_line
from channels.slack.payload import Json, parts, word

Fetch = Callable[[str, int], Awaitable[bytes]]
"""The first so many bytes of what a URL names. Raises ChannelError."""

READ_BYTES = 100_000
"""Most that is fetched of one file."""

FILES = 10
"""As many files as Slack's client takes with one message are looked at; the others are named."""

NAME_CHARS = 100
NOT_FETCHED = "only its name is known: it is in Slack"
NOT_TEXT = "its text can't be read: it is not in UTF-8"


async def files_of(event: Json, fetch: Fetch) -> tuple[File, ...]:
    """The files of a message, in their order; texts are fetched, all others only named."""
    found, left = list[File](), ALL_TEXT_BYTES
    for number, given in enumerate(parts(event, "files"), 1):
        file = _named(given, number)
        if number <= FILES and is_text(file.type, file.name):
            file = await _with_text(file, word(given, "url_private_download"), fetch, min(left, TEXT_BYTES))
        left -= len(file.text.encode())
        found.append(file)
    return tuple(found)


def _named(given: Json, number: int) -> File:
    """A file as the message names it. The hash is one of nothing, as its note says."""
    kind = word(given, "mimetype")
    return File(
        name=one_line(word(given, "name") or word(given, "title"), NAME_CHARS) or f"file {number}",
        type=kind if is_type(kind) else UNKNOWN_TYPE,
        size_bytes=_size(given.get("size")),
        sha256=hashlib.sha256().hexdigest(),
        note=NOT_FETCHED,
    )


async def _with_text(file: File, url: str, fetch: Fetch, most_bytes: int) -> File:
    try:
        content = await fetch(url, READ_BYTES)
    except ChannelError as error:
        return file.model_copy(update={"note": f"{NOT_FETCHED} ({error.what})"})
    is_whole = len(content) == file.size_bytes
    if not is_whole and len(content) < READ_BYTES:
        # A page that asks to log in comes with status 200 where the app may not read files.
        said = f"{file.size_bytes} bytes were announced and {len(content)} came; the app may lack files:read"
        return file.model_copy(update={"note": f"{NOT_FETCHED} ({said})"})
    text = _decoded(content, is_whole=is_whole)
    kept: dict[str, JsonValue | bytes] = {"sha256": hashlib.sha256(content).hexdigest(), "note": ""}
    if is_whole:
        kept["content"] = content
    if text is None:
        return file.model_copy(update=kept | {"note": NOT_TEXT})
    shown = headed(text, most_bytes)
    if not is_whole:
        shown["note"] = f"its text is cut: {len(shown['text'].encode())} of {file.size_bytes} bytes are here"
    return file.model_copy(update=kept | shown)


def _decoded(content: bytes, *, is_whole: bool) -> str | None:
    try:
        text = content.decode() if is_whole else content.decode(errors="ignore")
    except UnicodeError:
        return None
    return None if "\0" in text else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _size(value: JsonValue) -> int:
    return value if isinstance(value, int) and value > 0 else 0
