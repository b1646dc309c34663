"""What a tool printed, as people see it: its end first, and where all of it is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.requests import Attachment
from bot.policy.attachments import OUTPUT, size
from channels import Card, Line
from language import say
from language.recorded import note_of

_LAST_LINES = 20
# A line of a program that prints no line breaks is as long as its output.
_LAST_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool printed: its last lines, and all of it, which is `lines` long."""

    tail: str
    whole: str
    lines: int

    @property
    def is_cut(self) -> bool:
        """True if the tail is not all of it."""
        return self.tail != self.whole


def output_of(text: str) -> Output | None:
    """Return `text` with its end first, as people look for what went wrong; nothing for nothing."""
    whole = text.strip("\n")
    if not whole.strip():
        return None
    lines = whole.splitlines()
    tail = "\n".join(lines[-_LAST_LINES:])
    return Output(tail if len(tail) <= _LAST_CHARS else f"…{tail[-_LAST_CHARS:]}", whole, len(lines))


def output_line(file: Attachment) -> Line:
    """Return the line of a card on all that a failed command printed, for `with_kept` to complete."""
    text = ", ".join(filter(None, (say("card.output-whole", size=size(file.size_bytes)), note_of(file.note))))
    # A mail names what it attaches after this label.
    return Line(label=say("card.output"), text=text, kept=file.sha256)


def with_kept(card: Card, contents: Mapping[str, bytes], *, attaches: bool) -> Card:
    """`card` with what its lines name of what is kept beside the run, as far as `contents`, by hash, still has it.

    A channel that `attaches` nothing shows where to find it.
    """

    def completed(line: Line) -> Line:
        content = contents.get(line.kept)
        if not line.kept:
            return line
        if content is None:
            return line.model_copy(update={"text": say("card.output-gone", output=line.text)})
        if not attaches:
            return line.model_copy(update={"text": say("card.output-on-page", output=line.text)})
        text = say("card.output-attached", output=line.text, file=OUTPUT)
        return line.model_copy(update={"text": text, "whole": content.decode(errors="replace")})

    return card.model_copy(update={"facts": tuple(map(completed, card.facts))})
