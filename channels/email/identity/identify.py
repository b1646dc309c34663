"""One real mail -> what its headers say of its sender, whose word that is, and which `SAYSO_MAIL_IDENTITY` fits.

Pure and total: whatever the bytes are, something is said, in printable characters. What each way would say is asked of
the function that judges real mail (`identity.who`), so that nothing is proposed under which this mail would be held.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from channels import ByServer, Contact
from channels.email.format.headers import Unreadable, read_headers
from channels.email.format.shown import clean, subject_of
from channels.email.identity import UNPROVEN, Accepted, Refused, hops, who
from channels.email.identity.author import author_of, claimed
from channels.email.identity.hops import Hop
from channels.email.identity.proof import EXCHANGE_ONLINE, PROOFS, Proven
from channels.email.identity.vouching import Word, words
from channels.email.ways import Identity

TENANT = f"mail.protection.{EXCHANGE_ONLINE}"
"""The servers with which Microsoft 365 takes mail from outside; it writes its verdict just above their Received."""

MOST = 20
"""Fields of one kind that are told of; a mail with more is not for people to read."""

_ASKED_FOR = re.compile("sayso-[0-9a-f]{8}")
_CHECK = "Let your own server check DMARC and write Authentication-Results (OpenDMARC and rspamd do)"


def subject_to_ask_for(nonce: str) -> str:
    """The subject of the mail that a person is asked to send, from 8 hexadecimal digits."""
    return f"sayso-{nonce}"


def is_asked_for(subject: str) -> bool:
    """Return whether this is the mail that was asked for: it was looked at, and wants nothing of an agent."""
    return _ASKED_FOR.fullmatch(subject.strip()) is not None


@dataclass(frozen=True)
class Trial:
    """The verdict of one way on this mail. `may_be_pinned`: nobody outside could have written what it relies on.

    `weakness` is why a mail like this may not approve, proven as it is.
    """

    way: Identity
    authserv_id: str
    proves: bool
    says: str
    may_be_pinned: bool
    weakness: str = ""


@dataclass(frozen=True)
class Identified:
    """The findings on a mail and a proposal: `way` is `none` where mail can't decide; `why`, and what to `do`.

    `received_by` had it last, `received_from` is where our own provider took it from; `path` is all its Received say,
    last server first. `cautions` are what a person must still see to, because no header shows it.
    """

    claims: str = ""
    author: str = ""
    subject: str = ""
    received_by: str = ""
    received_from: str = ""
    path: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()
    trials: tuple[Trial, ...] = ()
    way: Identity | Literal["none"] = "none"
    authserv_id: str = ""
    why: str = ""
    do: str = ""
    cautions: tuple[str, ...] = ()


def identify(raw: bytes, own: str = "", gateway: str = "") -> Identified:
    """Identify `raw`. `own` is the bot's address; `gateway` names servers in front of ours that are ours as well."""
    try:
        headers = read_headers(raw)
    except Unreadable as error:
        do = "Send a plain mail from a usual mail program, or save the mail as it came, headers first"
        return Identified(why=clean(f"this mail can't be read: {error}"), do=do)
    author, path = author_of(headers) or "", hops.hops(headers)
    ours = hops.ours(path, gateway)
    said = tuple(words(headers, path, ours))
    trials = tuple(_trials(raw, author, said, ours))
    chosen = next((each for each in trials if each.proves and each.may_be_pinned), None)
    if trouble := _trouble(raw, author, own):
        chosen, (why, do) = None, trouble
    else:
        why, do = (chosen.says, "") if chosen else _why_none(author, ours, said, trials)
    return Identified(
        claims=clean(claimed(headers)),
        author=author,
        subject=clean(subject_of(headers)),
        received_by=clean(ours[0].by) if ours else "",
        received_from=clean(ours[-1].sender) if ours else "",
        path=tuple(clean(str(hop)) for hop in path[:MOST]),
        words=said[:MOST],
        trials=trials,
        way=chosen.way if chosen else "none",
        authserv_id=chosen.authserv_id if chosen else "",
        why=clean(why),
        do=clean(do),
        cautions=tuple(map(clean, _cautions(author, chosen, said, gateway))) if chosen else (),
    )


def _trouble(raw: bytes, author: str, own: str) -> tuple[str, str] | None:
    """Return what is wrong with the mail whoever vouches for its sender, and what to do."""
    if not author:
        return "its From is not exactly one plain address", "Send one from a usual mail program"
    if author == own.lower():
        why = "it comes from the bot's own address, and what the bot writes is nobody's answer"
        return why, f"Send one from your own account, not from {own}"
    found = who(raw, _Everybody(), lambda _raw, _author: Proven(_ANYBODY))
    if isinstance(found, Refused):
        return "; ".join(found.reasons), "Send a new mail, straight from your mail program to the mailbox"
    return None


def _trials(raw: bytes, author: str, said: Sequence[Word], ours: Sequence[Hop]) -> Iterator[Trial]:
    """Every way with every name that this mail offers; those that may be pinned come first."""
    pinned = [word.server for word in said if word.is_verdict and not word.why_not]
    named = [word.server for word in said if word.is_verdict]
    for way in ("dmarc", "submission"):
        for server in list(dict.fromkeys((*pinned, *named)))[:MOST]:
            yield _trial(raw, author, way, server, may_be_pinned=server in pinned)
    if ours and hops.are_one(ours[0].by, EXCHANGE_ONLINE):
        yield _trial(raw, author, "m365", TENANT, may_be_pinned=True)


def _trial(raw: bytes, author: str, way: Identity, server: str, *, may_be_pinned: bool) -> Trial:
    found = who(raw, _Everybody(), PROOFS[way](server)) if author else None
    if isinstance(found, Accepted):
        return Trial(way, server, True, clean(_passed(found.known)), may_be_pinned, clean(found.weakness))
    reasons = found.reasons if found else ("its From is not exactly one plain address",)
    return Trial(way, server, False, clean("; ".join(reasons).removeprefix(UNPROVEN)), may_be_pinned)


_ANYBODY = ByServer(how="login", server="", of="")
_PASSED = {"dmarc": "dmarc=pass header.from=", "login": "auth=pass smtp.auth=", "internal": "AuthAs Internal for "}


def _passed(known: ByServer) -> str:
    return f"{known.server}: {_PASSED[known.how]}{known.of}"


class _Everybody:
    """A directory that knows whoever writes: who is in the real one is another question."""

    def contacts(self) -> Sequence[Contact]:
        """Return nobody in particular."""
        return ()

    def contact(self, person: str) -> Contact | None:
        """Return a contact of that name, whoever it is."""
        return Contact(id=person, name=person)

    def by_email(self, address: str) -> Contact | None:
        """Return a contact with that address, whoever it is."""
        return Contact(id="somebody", name="somebody", email=address)


def _why_none(author: str, ours: Sequence[Hop], said: Sequence[Word], trials: Sequence[Trial]) -> tuple[str, str]:
    """Return why nothing fits, and what to do."""
    if not ours:
        do = "Send one to the mailbox as people will; a mail that never travelled shows nothing"
        return "no server says that it received this mail: it has no Received", do
    if tried := [each for each in trials if each.may_be_pinned]:
        return "; ".join(dict.fromkeys(each.says for each in tried)), _fix(author, said)
    if named := dict.fromkeys(word.server for word in said if word.is_verdict):
        gateway = "if one of them is the gateway that all your mail comes through, add --gateway and its host name"
        return f"only servers that may be anybody's vouch for it: {', '.join(named)}", f"{_CHECK}; {gateway}"
    log_in = "or, for people who log in to it, auth=pass with smtp.auth"
    return "no server vouches for its sender under its own name", f"{_CHECK}; {log_in}"


def _fix(author: str, said: Sequence[Word]) -> str:
    """Return what to do where the right server speaks, and proves nobody."""
    believed = [says for word in said if word.is_verdict and not word.why_not for says in word.says]
    domain = author.rpartition("@")[2]
    if f"dmarc=pass header.from={domain}" in believed:
        return "Let one server write one header with everything it found, dmarc=… included, above all others"
    if any(says.startswith("dmarc=pass") for says in believed):
        return f"Write from an account whose own domain sends its mail, or let {domain} send it"
    return f"Let {domain} sign its mail and publish SPF, DKIM and DMARC, or write from an account whose domain does"


def _cautions(author: str, chosen: Trial, said: Sequence[Word], gateway: str) -> Iterator[str]:
    server = chosen.authserv_id
    yield f"Go on only if it was you who sent this mail, from {author}: the proposal rests on that."
    if chosen.weakness:
        yield (
            f"A mail like this can deny, and ask, but not approve: {chosen.weakness}. Let the servers of "
            f"{author.rpartition('@')[2]} sign From, Date and Subject, or send so that SPF passes for it."
        )
    if chosen.way == "m365":
        yield (
            "Microsoft 365 takes out what others write as X-MS-Exchange-Organization-. Where mail reaches it through a "
            "connector of yours, from a gateway or an Exchange of your own, see that nobody else can use that way, and "
            "that enhanced filtering is on for it; else SPF fails for everybody. Colleagues whose mail comes that way "
            "count where DMARC passes, and not because it is called internal."
        )
        return
    forged = f"auth=pass smtp.auth={author}" if chosen.way == "submission" else "dmarc=pass"
    yield (
        f"{server} must take out what others write under its name, or anybody can be {author}. Gmail does. Elsewhere "
        f"try it: send a mail with the header “Authentication-Results: {server}; {forged}” from outside, and see by "
        "sayso mail identify --file that it is gone."
    )
    if chosen.way == "submission":
        yield (
            "The server must refuse a From that is not the log-in's own. Try it: log in as yourself, write as a "
            "colleague, in the envelope and in From; both must be refused."
        )
    if any(word.server == server and word.is_verdict and word.why_not for word in said):
        yield f"Further down this mail has another header of {server}: nothing seems to be taken out. Fix it first."
    if re.search(r"\d", server.partition(".")[0]):
        yield f"Other servers of the same provider may not call themselves {server}: look at a few mails."
    if gateway:
        yield f"Your own server must take mail from {gateway} alone, or anybody can go around it."
