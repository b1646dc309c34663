"""The contract between sayso and one way to reach people. Nothing in this package knows what a run is.

Others use `Channel` with `Inbound`, `Reading`, `Card`, `Address` and `Placement`, the `ChannelError` tree, and one
folder for each way: `email` and `slack`.

Written with three channels in mind: a Maildir beside `sayso dev`, IMAP and SMTP, and Slack. In each of them the
same four things happen: something arrives and must be durable before it is acknowledged (`receive`), it is read
later and may be read twice (`read`), a card is placed (`send`), and what became of it is shown (`update`).

What many see is not what one person holds: an `Address` says whether it `is_shared`. Then the channel alone knows who
answered, and a word for that person goes to the `place` of the answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from pydantic import AwareDatetime

from channels.frozen import Frozen
from channels.readings import (
    IN_WORDS,
    Bounced,
    ByServer,
    ByUser,
    File,
    Ignored,
    Inquiry,
    Quarantined,
    Reading,
    Reply,
    Said,
    Trigger,
)
from language import Language
from language.stored import Stored

__all__ = [
    "IN_WORDS",
    "Accept",
    "Address",
    "AnswerForm",
    "Bounced",
    "ByServer",
    "ByUser",
    "CalledGroup",
    "Card",
    "CardAct",
    "Channel",
    "ChannelError",
    "ChannelRefused",
    "ChannelUnauthorized",
    "ChannelUnavailable",
    "Contact",
    "Directory",
    "File",
    "Frozen",
    "Ignored",
    "Inbound",
    "Input",
    "Inquiry",
    "Line",
    "Marks",
    "Overview",
    "Placement",
    "Posts",
    "Quarantined",
    "Reading",
    "Remembers",
    "Reply",
    "RequestLookup",
    "Said",
    "Trigger",
    "WorkGroup",
    "WorkRow",
]


class ChannelError(Exception):
    """Something a channel could not do: `what` happened, and what to `do` next.

    A server's words may be in both, in any bytes; what can't be written down is replaced.
    """

    def __init__(self, what: str, do: str) -> None:
        what, do = (text.encode(errors="replace").decode() for text in (what, do))
        super().__init__(f"{what}. {do}")
        self.what, self.do = what, do


class ChannelRefused(ChannelError):
    """The other side said no for good: somebody must act before this can work."""


class ChannelUnavailable(ChannelError):
    """The other side can't be reached now; the same call may work later."""


class ChannelUnanswered(ChannelUnavailable):
    """The answer was lost: it may have been done, and it may not."""


class ChannelAway(ChannelUnavailable):
    """What was brought to us can't be read before the other side answers again, which may take a day."""


class ChannelUnauthorized(ChannelUnavailable):
    """The other side of `channel` refuses us, and not this call: it works once an operator has fixed our credentials or
    our rights.
    """

    def __init__(self, channel: str, what: str, do: str) -> None:
        super().__init__(what, do)
        self.channel = channel


class Contact(Frozen):
    """The facts of a person that a channel may know. `timezone` is an IANA name, `language` what they read."""

    id: str
    name: str
    email: str | None = None
    slack: str | None = None
    timezone: str = "UTC"
    language: Language = "en"


class Directory(Protocol):
    """Read-only look-ups in the one directory of people."""

    def contacts(self) -> Sequence[Contact]:
        """Everyone."""
        ...

    def contact(self, person: str) -> Contact | None:
        """The person with this id."""
        ...

    def by_email(self, address: str) -> Contact | None:
        """The person who has exactly this address; letter case does not count."""
        ...


class Inbound(Frozen):
    """One thing that arrived, as it arrived: bytes that nobody has interpreted yet.

    `key` names it in its own world (an event id, a hash of the mail) and is the same however often it arrives.
    `raw` may be cut short when `size_bytes` is over the channel's limit; then `read` holds it. `is_answer` is a cheap
    guess (it carries a reply token) that lets answers overtake new work. Unless it `can_wait` the other side does not
    keep it while we are busy. `within` is the thread that it was written in, set where it matters only if we know that
    thread: else nothing of it is kept, unless it `is_below_new`: below a message of ours that was posted so lately
    that we may not know it yet. `begins` is the thread that a run would live in which it starts: what is written there
    before that run has started waits for it. `stops` is the thread that its writer began and says stop in, or whose
    first message was edited or deleted: what begins it may come to us later, and starts no run then. `token` is what it
    answers with, where that is known before it is read, and the same however often it arrives. `arrived_at` is when the
    other side got it, where that keeps it and brings it again. `sender` is whose it seems to be: nothing but the order
    of new work goes by it.
    """

    channel: str
    key: str
    raw: bytes
    size_bytes: int
    is_answer: bool = False
    can_wait: bool = True
    within: str = ""
    begins: str = ""
    stops: str = ""
    is_below_new: bool = False
    token: str = ""
    sender: str = ""
    received_at: AwareDatetime
    arrived_at: AwareDatetime | None = None


class Line(Stored, Frozen):
    """One labelled fact on a card.

    `lines` is set where `text` is only the beginning of a list: how many lines there are of all of it. That is `whole`,
    for channels that can put it one step away. `kept` is the name under which that is kept until the card is sent.
    `link` is the page that shows what it is about. What is `verbatim` keeps its spaces, and is shown monospaced. `kind`
    says what it is about, for channels with room to set it apart: what is not as it was on the card before, words that
    somebody `said` beside the request, with the `id` that an answer to them names, an approval that is `void`, and what
    happens `unanswered`.
    """

    label: str
    text: str
    lines: int = 0
    whole: str = ""
    kept: str = ""
    link: str = ""
    verbatim: bool = False
    kind: Literal["fact", "changed", "said", "void", "unanswered"] = "fact"
    id: str = ""


class Input(Stored, Frozen):
    """One field of a form. `name` comes back with what was filled in; of a choice with `values` the one chosen.

    People see `label`, and the name where there is none; `hint` words what fits. `least` and `most` bound a number or a
    date, and are written as HTML has those; lengths are in characters. `value` is what stands there at first, written
    likewise, `yes` or `no` for a yes or no. Who leaves out what is not `required` means what the hint says. `words` are
    a person's own beside what is asked: a reason, a question.
    """

    name: str
    label: str = ""
    hint: str = ""
    kind: Literal["text", "integer", "number", "date", "choice", "yes_no", "words"] = "text"
    required: bool = True
    options: tuple[str, ...] = ()
    least: str = ""
    most: str = ""
    min_length: int = 0
    max_length: int | None = None
    value: str = ""
    values: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people see it called."""
        return self.label or self.name


SESSION = "session-"
"""Begins the name of a thread that holds what one session of a program asks: each channel has one for each address."""


class CardAct(Stored, Frozen):
    """Something that the reader of a card can do. A channel draws it by what it asks for, whatever it is.

    `name` comes back with the answer. `label` is its button and `tone` how that looks; a `stop` takes back what is
    approved. `inputs` are always asked. `offered` may go along, by a second button `offer` where that is set: a yes or
    no is a yes by its press, all else is asked. `title` heads what asks, `note` says what it brings, and `send` sends
    it. `how` is the sentence by which it is done in words.
    """

    name: str
    label: str
    tone: Literal["plain", "yes", "no", "stop"] = "plain"
    inputs: tuple[Input, ...] = ()
    offered: tuple[Input, ...] = ()
    offer: str = ""
    title: str = ""
    note: str = ""
    send: str = ""
    how: str = ""


class AnswerForm(Stored, Frozen):
    """The ways to answer a card. `token` must come back with the answer: at most 47 of `a-z`, `0-9` and `-`.

    `acts` is what its reader can do, in the order in which it is shown; a question is answered by its `format` as well.
    `why_not` says why its reader does not approve it, where that is for another reason than the channel.
    """

    token: str
    format: Literal["approval", "free_text", "yes_no", "choice", "choices", "form"]
    options: tuple[str, ...] = ()
    fields: tuple[Input, ...] = ()
    acts: tuple[CardAct, ...] = ()
    why_not: str = ""
    until: AwareDatetime

    def act(self, name: str) -> CardAct | None:
        """Return the act of that name; None where its reader can't do it."""
        return next((act for act in self.acts if act.name == name), None)

    @property
    def only_stops(self) -> bool:
        """Whether it is approved, and all that can still be said is no."""
        return {act.tone for act in self.acts} == {"stop"}


class CalledGroup(Frozen):
    """A group that a channel knows by its `id` there, in which nobody is but `people` of the directory."""

    id: str
    people: tuple[str, ...]


class Card(Stored, Frozen):
    """A message as a person sees it, as plain data; each channel renders and escapes it.

    `risks` are what its reader must see first: a box at its top, a mark where it is listed, and no approval made easy.

    `title`, `summary` and `facts` are worded by code. `asked` is the line below the title: why its reader is asked, how
    many have approved, and since when. `on_yes` says what happens on a yes, beside its button. `quoted` is what a model
    or a person wrote and is marked as such, under `quoted_as` where code knows more of whose words they are;
    `is_output` where a program printed them, so that they are shown monospaced. `said` are the words of whoever wants
    this, under `said_as`. `sent` is what a program wants to do, as it sent that: no channel folds it, as the title is
    the program's own. `decides` says who decides; `details` and `exact` are for whoever wants to know everything.
    `exact` is the complete arguments and effect, shown monospaced and unchanged. `form` is None when there is nothing
    (more) to answer. `ref` is an id that people can type, `link` the page about it. `receipt` is an opaque id of the
    same form as a token, which comes back with word that the card did not arrive. `topic` is what its thread is called
    where it is not the first one in it. `closes` says that this card ends what an earlier one asked; a channel that
    cannot change what it sent shows only such updates. `ends` is the token of what it ends, where no card of its own
    brought that. `at` is when the card was made. `is_line`: no more than one line that says how something stands, and
    is changed where it stands; `reminds`: its reader has an earlier card of the same; `is_busy`: that something is
    being done, and nobody is waited for. `mentions` are people of the directory whom a channel notifies that can name
    somebody in a message to many; `groups` may stand for those of them who are in one.
    """

    title: str
    at: AwareDatetime
    asked: str = ""
    risks: tuple[str, ...] = ()
    summary: str = ""
    quoted: str = ""
    quoted_as: str = ""
    is_output: bool = False
    said: str = ""
    said_as: str = ""
    sent: tuple[Line, ...] = ()
    facts: tuple[Line, ...] = ()
    decides: tuple[Line, ...] = ()
    on_yes: Line | None = None
    details: tuple[Line, ...] = ()
    exact: str = ""
    form: AnswerForm | None = None
    ref: str = ""
    link: str = ""
    receipt: str = ""
    topic: str = ""
    closes: bool = False
    ends: str = ""
    is_line: bool = False
    reminds: bool = False
    is_busy: bool = False
    mentions: tuple[str, ...] = ()
    groups: tuple[CalledGroup, ...] = ()


class Address(Frozen):
    """A place for cards: `to` in the channel's own terms, `thread` one name for everything that belongs together.

    `person` is empty for a stranger, who is answered by a machine and must not be able to answer it back, and for a
    place of many that is nobody's own. `is_shared`: others see what stands there, and it stands there once for all.
    """

    channel: str
    person: str
    to: str
    thread: str = ""
    is_shared: bool = False


class Placement(Frozen):
    """One card at one address. `handle` is what the channel needs to find it again."""

    key: str
    address: Address
    handle: str


class WorkRow(Frozen):
    """A request that waits on somebody, as a row of their list of work; `token` opens its card.

    `change` is `v1.0.0 → v1.2.0`, `words` are those of whoever asked, where the title does not say them. `asked_by` and
    `decides` name people.
    """

    title: str
    change: str = ""
    words: str = ""
    asked_by: str = ""
    decides: str = ""
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    token: str


class WorkGroup(Frozen):
    """Rows about the same thing, such as an environment: its `name`. The soonest to expire comes first."""

    name: str
    rows: tuple[WorkRow, ...]


class Overview(Frozen):
    """The work and news of a person. `waiting` are requests that they may answer, `more` how many others wait.

    `asked` is what they asked for and `decided` what they decided lately, newest first: what it was, how it stands.
    `frozen` says what is frozen, a line for each freeze; `left_out` how much of this could not be read.
    """

    waiting: tuple[WorkGroup, ...] = ()
    more: int = 0
    asked: tuple[Line, ...] = ()
    decided: tuple[Line, ...] = ()
    frozen: tuple[str, ...] = ()
    left_out: str = ""


class RequestLookup(Protocol):
    """Look-ups that a channel may make for a person who is known, while it receives. Nothing is decided by looking."""

    async def card(self, token: str, person: str) -> Card:
        """The card that a token names, as it stands now; without a form, and saying why, where there is nothing that
        `person` can answer.
        """
        ...

    async def misfits(self, token: str, filled: Mapping[str, str]) -> Mapping[str, str]:
        """Return why `filled` is no answer to the form of the card that a token names: reasons by the names of fields,
        in the language that is spoken. Empty where it is one, and where there is no such form to fill in.
        """
        ...

    async def overview(self, person: str) -> Overview:
        """Return the work and news of `person`."""
        ...

    def usage(self) -> str:
        """Return what people can ask for here, a line each."""
        ...


class Marks(Protocol):
    """Words that a channel keeps where every process of sayso sees them, for 60 days at least."""

    async def add_once(self, key: str) -> bool:
        """Add `key`; False when somebody added it before. Durable when it returns."""
        ...

    async def put_if_absent(self, key: str, value: str, days: int = 60) -> str:
        """Keep `value` under `key` for `days` unless there is something already; returns what is kept there now."""
        ...

    async def get(self, key: str) -> str | None:
        """Return what is kept under `key`."""
        ...


Accept = Callable[[Inbound], Awaitable[object]]

Newest = Callable[[], Awaitable[Card]]
"""The card as it is by now."""


class Channel(Protocol):
    """One way to reach people: a mailbox, a Slack workspace. Knows cards and replies, never runs."""

    @property
    def name(self) -> str:
        """The word for it in policies: `email`, `slack`."""
        ...

    @property
    def edits(self) -> bool:
        """True if a card can be changed where it stands; if not, only updates that close something are sent."""
        ...

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over each inbound item for ever; acknowledge it outside only after `accept` returned.

        Survives an unreachable other side by trying again with backoff; returns only when cancelled.
        """
        ...

    async def read(self, inbound: Inbound) -> Reading:
        """Read what `inbound` means, as far as the channel can know. Called as often as needed, changes nothing."""
        ...

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Return where this channel reaches `contact`; None when it can't. Raises ChannelUnavailable.

        With `anew` as the other side has it now, else as it may be remembered.
        """
        ...

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Place `card` once per `key`; the same key again returns the same delivery or an exact repeat of it.

        Raises ChannelRefused (someone must act first) or ChannelUnavailable (try again later; ChannelUnauthorized where
        it is us whom the other side refuses).
        """
        ...

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Show `card`, or the `newest` one where it had to wait, where `delivery` stands, once per `key`.

        Raises as `send` does.
        """
        ...


@runtime_checkable
class Remembers(Protocol):
    """A channel that must know what it sent when an answer to it arrives, perhaps at another process."""

    def remember_in(self, marks: Marks) -> None:
        """Keep what was sent in `marks`. Called once, before anything is sent or read."""
        ...


@runtime_checkable
class Posts(Protocol):
    """A channel that can also carry what is no card."""

    async def post(self, raw: bytes, to: str, receipt: str) -> None:
        """Send `raw`, a whole mail from the public address, to the one address `to`. Raises as `Channel.send` does.

        `receipt` is what comes back with word that it did not arrive, where the mail system lets it.
        After ChannelUnavailable it may have been taken all the same: the same bytes again are known as one mail.
        """
        ...
