"""How it is known who said something: data, of which the words are made wherever it is shown."""

from typing import Annotated, Generic, Literal, TypeVar, cast

from pydantic import BaseModel, Field, TypeAdapter, computed_field, model_validator

from agents.requests.frozen import Frozen
from language.stored import Stored

LinkBy = Literal["slack", "email", "operator"]
"""How the link of a log-in came to its person; what an `operator` makes in a terminal is handed over by them."""


class ByChat(Stored, Frozen):
    """A chat says that its `user`, who is of `team`, `did` it: pressed the button `what`, sent the window `what`, wrote
    `what` (empty: a message), or chose the shortcut on a message of the user `what`.
    """

    by: Literal["chat"] = "chat"
    channel: str = "slack"
    user: str = ""
    team: str = ""
    did: Literal["pressed", "sent", "wrote", "chose"] = "pressed"
    what: str = ""

    @property
    def words(self) -> str:
        """The proof in words; none where it names nobody."""
        chat = self.channel.capitalize()
        did = {
            "pressed": f"pressed {self.what}",
            "sent": f"sent the window {self.what}",
            "wrote": f"wrote {self.what or 'it'}",
            "chose": f"chose the shortcut on a message of {chat} user {self.what}",
        }
        return f"{chat} user {self.user} of team {self.team} {did[self.did]}" if self.user else ""


class ByMail(Stored, Frozen):
    """The mail `server` says that it comes from its sender, `of` the domain that it passed DMARC for, or `of` the
    address that was logged in or that is one of its own.
    """

    by: Literal["mail"] = "mail"
    how: Literal["dmarc", "login", "internal"] = "dmarc"
    server: str = ""
    of: str = ""

    @property
    def channel(self) -> str:
        """The channel that it came through."""
        return "email"

    @property
    def words(self) -> str:
        """The proof in words; none where it names nobody."""
        how = {"dmarc": "dmarc=pass header.from=", "login": "auth=pass smtp.auth=", "internal": "AuthAs Internal for "}
        return f"{self.server}: {how[self.how]}{self.of}" if self.server else ""


class BySession(Stored, Frozen):
    """It was said in a session of the console; `mark` tells two of one person apart, and opens nothing."""

    by: Literal["session"] = "session"
    link_by: LinkBy
    mark: str = ""

    @property
    def channel(self) -> str:
        """The channel that it came through."""
        return "console"

    @property
    def words(self) -> str:
        """The proof in words; none where it names no session."""
        how = {
            "slack": "a link in Slack",
            "email": "a link in a mail",
            "operator": "a link from an operator's terminal",
        }
        return f"console session, opened by {how[self.link_by]} ({self.mark})" if self.mark else ""


class ByKey(Stored, Frozen):
    """It came by `channel` with the API key that has the prefix `key`; `made_by` and `link_by` are as in `ApiKey`."""

    by: Literal["key"] = "key"
    channel: Literal["api", "cli"] = "api"
    key: str = ""
    made_by: Literal["operator", "person", "dev"] = "person"
    link_by: LinkBy | None = None

    @property
    def is_anothers(self) -> bool:
        """True where somebody else than its person made the key, and may have kept it."""
        return self.made_by == "operator"

    @property
    def name(self) -> str:
        """What the key is called, and how it may have come to somebody else."""
        whose = {"operator": ", which an operator made", "person": "", "dev": ", lent by sayso dev"}[self.made_by]
        how = ", made after a log-in by a link in a mail" if self.link_by == "email" else ""
        return f"sayso_{self.key}{whose}{how}"

    @property
    def words(self) -> str:
        """The proof in words; none where it names no key."""
        return f"API key {self.name}" if self.key else ""


Proof = Annotated[ByChat | ByMail | BySession | ByKey, Field(discriminator="by")]


def rests_on(proof: Proof) -> frozenset[str]:
    """Return all ways by which it can have been said in their name; each of them must count.

    Whoever reads the mailbox of a person can have a link sent there, log in by it, and make a key in that session.
    """
    match proof:
        case BySession(link_by="email") | ByKey(link_by="email"):
            return frozenset({proof.channel, "email"})
        case _:
            return frozenset({proof.channel})


def as_by(channel: str, link_by: LinkBy | None = None) -> Proof:
    """Return the proof that somebody of whom no more is told has by `channel`, after a log-in by a link that came by
    `link_by`: for an answer that is only tried, and for one whose channel says nothing of its own.
    """
    match channel:
        case "email":
            return ByMail()
        case "console":
            return BySession(link_by=link_by or "operator")
        case "api" | "cli":
            return ByKey(channel=channel, link_by=link_by)
        case _:
            return ByChat(channel=channel)


proofs: TypeAdapter[Proof] = TypeAdapter(Proof)
"""Reads a proof of any kind where nothing else says what it is."""


_Known = TypeVar("_Known", bound=ByChat | ByMail | BySession | ByKey | None)


class _Told(BaseModel, Generic[_Known]):
    """What is told with the `channel` and the `evidence` of its proof; what is stored is not (`round_trip`)."""

    proof: _Known

    @computed_field
    @property
    def channel(self) -> str:
        """The channel that it came through; empty where there is no proof."""
        return "" if self.proof is None else self.proof.channel

    @computed_field
    @property
    def evidence(self) -> str:
        """The proof in words; empty where there is none."""
        return "" if self.proof is None else self.proof.words

    @model_validator(mode="before")
    @classmethod
    def _told_again(cls, told: object) -> object:
        """Drop what is made of the rest where it was told."""
        if not isinstance(told, dict):
            return told
        said = cast("dict[str, object]", told)
        is_made = said.get("proof") or said.get("way") or not (said.get("channel") or said.get("evidence"))
        return {name: value for name, value in said.items() if name not in {"channel", "evidence"}} if is_made else said


class Proven(_Told[Proof]):
    """What somebody said or did, and how it is known that they did."""

    proof: Proof


class PerhapsProven(_Told[Proof | None]):
    """The same of what code may have done as well; then there is no proof."""

    proof: Proof | None = None
