"""The meanings of something that arrived, as far as a channel can know."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from channels.frozen import Frozen


class File(Frozen):
    """One attached file. `name` and `type` are the sender's words, `text` what a program may read of it as text.

    `content` is all of its bytes, and empty when they are too many to be kept; `sha256` is in lower-case hex. `note`
    says what is to be known about it: that its text was cut, that its encoding is broken. `is_inline`: a small picture
    that stands within the text, such as a logo.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    type: str
    size_bytes: int
    sha256: str
    text: str = ""
    note: str = ""
    is_inline: bool = False
    content: bytes = b""


class ByUser(Frozen):
    """A chat says that its `user`, who is of `team`, `did` it: pressed the button `what`, sent the window `what`, wrote
    `what` (empty: a message), or chose the shortcut on a message of the user `what`.
    """

    user: str
    team: str
    did: Literal["pressed", "sent", "wrote", "chose"]
    what: str = ""


class ByServer(Frozen):
    """The mail `server` says that it comes from its sender, `of` the domain that it passed DMARC for, or `of` the
    address that was logged in or that is one of its own.
    """

    how: Literal["dmarc", "login", "internal"]
    server: str
    of: str


Said = Literal["approve", "deny", "ask", "edit", "hand_on", "break_glass", "free_text", "empty"]
"""What somebody said, as far as a channel knows."""
IN_WORDS: frozenset[str] = frozenset(("free_text", "ask", "edit", "hand_on"))
"""What was written, and not pressed: words that may say more."""


class Reply(Frozen):
    """A person answered a card. `token` is the opaque id that the card's `AnswerForm` carried.

    `said` is the act where that is all the person said: a button, a window for just that, or of a vote a whole text
    from a closed vocabulary. An `ask` goes to whoever asked for what the card is about; a `hand_on` goes to whom
    `filled` names as `to`, for the reason in `text`; to `break_glass` stands for all others, for this `reason`.
    Everything else is `free_text`. `reason` is the rest of a denial as well. `picks` are options by their place, from
    1; `filled` are the fields of a form: both are set where nothing need be read out of the text. `is_shared`: the card
    stood where many see it. What is said to this person alone about it goes to `place`, which is in the channel's own
    terms.

    `unbound` says why nothing shows that the person meant this card; then a denial is all that may count. `is_exposed`:
    others have seen the token. `key` names what the person sent, where the channel knows it: the same however often,
    and along whichever way, it arrives. `copy_key` is the same for each copy, where whoever has one can change other
    parts of it and send it again. `unsure` says why the `text` may not be all that the person wrote and saw, so
    that code must read no word of it. `is_typed`: the `text` is words of the person's own, and no name of what
    they pressed. `is_below_quote`: it stands below lines of the card, and may be about those. `again`: what is `said`
    is an approval by which the same may be done again in its session. `above` is the part of a sure `text` above its
    writer's contacts, empty where none stand below it.
    """

    type: Literal["reply"] = "reply"
    person: str
    token: str
    said: Said
    text: str
    reason: str = ""
    known: ByUser | ByServer | None = None
    files: tuple[File, ...] = ()
    picks: tuple[int, ...] = ()
    filled: dict[str, str] = Field(default_factory=dict[str, str])
    is_shared: bool = False
    place: str = ""
    unbound: str = ""
    is_exposed: bool = False
    key: str = ""
    copy_key: str = ""
    unsure: str = ""
    is_typed: bool = False
    is_below_quote: bool = False
    again: bool = False
    above: str = ""


class Trigger(Frozen):
    """A person wants something new. `thread` is where the answer belongs, in the channel's own terms.

    `follows`: it was written in `thread`, and belongs to whatever we know there. Unless it `is_addressed` to us it is
    nothing where we know nothing. `is_edit`: its writer has changed it, and it only may stop, freeze or revoke.
    `edited`: the key under which it came before. `deleted`: somebody has deleted what came under this key; it has no
    words any more, and stops nothing.
    `is_below_new` is as in `Inbound`. `within` is the thread it was written in, where that is not `thread`. It starts
    no run of its own where `held_because` says why it is held instead. `room` is a place of many that has a limit of
    its own; `place` is as in `Reply`. `others` are people whose words these are as well: they count as having asked, as
    does whoever had the address in the channel that a quoted message was `written_by`, where nobody has it now.
    `quotes`: a message that somebody else wrote, whoever they are, is part of the text. `weakness` says why it proves
    too little for an approval, written as it was at `written_at`; `key` and `copy_key` are as in `Reply`. `is_copy`:
    one with its `copy_key` came before.
    """

    type: Literal["trigger"] = "trigger"
    person: str
    text: str
    thread: str = ""
    known: ByUser | ByServer | None = None
    files: tuple[File, ...] = ()
    follows: bool = False
    is_addressed: bool = True
    is_edit: bool = False
    edited: str = ""
    deleted: str = ""
    is_below_new: bool = False
    within: str = ""
    held_because: str = ""
    room: str = ""
    place: str = ""
    others: tuple[str, ...] = ()
    written_by: str = ""
    quotes: bool = False
    weakness: str = ""
    written_at: AwareDatetime | None = None
    key: str = ""
    copy_key: str = ""
    is_copy: bool = False


class Quarantined(Frozen):
    """Not accepted as anybody's word, and shown to people: why, and whose word it claims to be.

    `about` is its subject, `thread` where an answer to it belongs. `person` is set when it is certain that this
    person sent it and only its content was not accepted; `stranger` when the address that it came from is certain
    and nobody's in the directory. Both may be told, at `place` where that is set. At most one of them is set. `notice`
    is what a stranger is told, where the channel has words of its own.
    """

    type: Literal["held"] = "held"
    reasons: tuple[str, ...]
    claims: str = ""
    token: str | None = None
    about: str = ""
    thread: str = ""
    person: str = ""
    stranger: str = ""
    place: str = ""
    notice: str = ""


class Bounced(Frozen):
    """A card did not reach its address: `receipt` is what it carried, `why` the words of whoever gave it back.

    Anybody can write such a word. It may make a card go another way as well, and nothing else.
    """

    type: Literal["bounced"] = "bounced"
    receipt: str
    why: str


class Inquiry(Frozen):
    """Somebody, known or not, wrote to the address that is open to anybody; it is nobody's word and answers nothing.

    `sender` is the one plain address in its From, in lower case; `doubt` says why that may be forged, "" where it is
    proven. `message_id` and `references`, oldest first, are plain Message-IDs; `key` is as in `Reply`. `order` is what
    it would say anywhere else, where somebody of the directory wrote it: it may stop something, also where the rest is
    for people alone, `held_because` says why.
    """

    type: Literal["enquiry"] = "enquiry"
    sender: str
    subject: str
    text: str
    message_id: str = ""
    references: tuple[str, ...] = ()
    doubt: str = ""
    key: str = ""
    files: tuple[File, ...] = ()
    order: Trigger | None = None
    held_because: str = ""


class Ignored(Frozen):
    """Recorded and dropped: a machine wrote it, or it is our own.

    `away` is whose mailbox certainly answered a card by itself, `token` is that card's: it may be that they are away.
    `stranger` is as in `Quarantined`, where the writer is dropped for being nobody in the directory.
    """

    type: Literal["ignored"] = "ignored"
    reason: str
    stranger: str = ""
    away: str = ""
    token: str = ""


Reading = Annotated[Reply | Trigger | Quarantined | Bounced | Inquiry | Ignored, Field(discriminator="type")]
