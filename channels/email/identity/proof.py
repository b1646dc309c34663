"""The ways to prove that a mail comes from the address in its From (`SAYSO_MAIL_IDENTITY`). Each is a pure function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from channels import ByServer
from channels.email.format import trace
from channels.email.format.headers import Headers, Unreadable, read_headers
from channels.email.identity.hops import Hop, are_one, hops, is_within, ours
from channels.email.identity.signature import NEEDED, WISH_NEEDED, weakness
from channels.email.identity.verdict import RESULTS, Verdict, read_verdict

EXCHANGE_ONLINE = "outlook.com"
"""The end of Microsoft 365's host names, of those that take mail in and of those that hold mailboxes."""


@dataclass(frozen=True)
class Proven:
    """The mail comes from the address in its From. `known` is kept with whatever follows from it.

    `weakness` says why the mail may not approve all the same, where what proves its sender leaves its words open;
    `wish_weakness` the same of a mail that answers no card, where it also leaves open to whom it was written.
    """

    known: ByServer
    weakness: str = ""
    wish_weakness: str = ""


@dataclass(frozen=True)
class Unproven:
    """A mail that nothing shows to come from the address in its From; `reason` says what is missing."""

    reason: str


Prove = Callable[[bytes, str], Proven | Unproven]
"""One way to prove a sender: from the whole mail and the address in its From, in lower case.

Picklable, as mails are read in a process of their own (`confined`).
"""


def local(raw: bytes, author: str) -> Proven | Unproven:
    """Proof through the embedded server: the person was logged in to it while sending.

    Trusts only the block that this server writes as the first bytes of every mail (see `trace`).
    """
    block, _ = trace.read(raw)
    if block is None:
        return Unproven("it did not come through sayso's own mail server")
    if block.login is None:
        return Unproven(f"it was sent without logging in as {author}")
    if block.login.lower() != author.lower():
        return Unproven(f"it was sent by {block.login}, who was logged in, and not by {author}")
    return Proven(ByServer(how="login", server=trace.AUTHSERV_ID, of=block.login))


def nobody(_raw: bytes, author: str) -> Proven | Unproven:
    """The way `none`: mail can't decide here."""
    return Unproven(f"mail can't prove that it comes from {author} here: SAYSO_MAIL_IDENTITY is 'none'")


def dmarc(authserv_id: str) -> Prove:
    """Proof through DMARC: the topmost verdict of the server `authserv_id` is `dmarc=pass` for the From's domain.

    The server must remove what others wrote under its name (RFC 8601, 5); then its own is the topmost one.
    """
    return partial(_by_dmarc, authserv_id)


def submission(authserv_id: str) -> Prove:
    """Proof through a log-in: `auth=pass` with `smtp.auth` equal to From, by a server that forces sender = login."""
    return partial(_by_submission, authserv_id)


def m365(tenant: str) -> Prove:
    """Proof in Microsoft 365, which writes its verdict without a name, above the first `Received` of the `tenant`'s
    own servers (a host name they end with, `mail.protection.outlook.com`); or says that a colleague sent it.

    Mail then passes through more of its servers, whose `Received` stand above all that: where another server had the
    mail last, anybody may have written all of it. Its `X-MS-Exchange-Organization-` fields are removed from whatever
    comes from outside, but not by a connector that trusts the server in front; so they count for mail that never left.
    """
    return partial(_by_m365, tenant)


PROOFS: Mapping[str, Callable[[str], Prove]] = {"dmarc": dmarc, "m365": m365, "submission": submission}
"""Each `ways.Identity` -> what proves a sender, given the name that is believed (`SAYSO_MAIL_AUTHSERV_ID`)."""


def _by_dmarc(authserv_id: str, raw: bytes, author: str) -> Proven | Unproven:
    verdict = _topmost(raw, authserv_id)
    return verdict if isinstance(verdict, Unproven) else _passed(verdict, read_headers(raw), author, authserv_id)


def _by_submission(authserv_id: str, raw: bytes, author: str) -> Proven | Unproven:
    verdict = _topmost(raw, authserv_id)
    if isinstance(verdict, Unproven):
        return verdict
    found = verdict.one("auth")
    if found is None or found.result != "pass" or found.one("smtp.auth") != author:
        return Unproven(f"{authserv_id} does not say that its sender was logged in as {author}")
    return Proven(ByServer(how="login", server=authserv_id, of=author))


def _by_m365(tenant: str, raw: bytes, author: str) -> Proven | Unproven:
    headers = read_headers(raw)
    path = hops(headers)
    if other := not_microsofts(path, tenant):
        return Unproven(f"{other} had it last, which is no server of Microsoft 365: anybody may have written the rest")
    if _is_internal(headers, path, tenant):
        return Proven(ByServer(how="internal", server="Microsoft 365", of=author))
    door = next((hop for hop in path if is_within(hop.by, tenant)), None)
    if door is None:
        return Unproven(f"no server of {tenant} says that it received it")
    if door not in ours(path) or not all(are_one(hop.by, _whole(tenant)) for hop in path[: path.index(door)]):
        return Unproven(f"it came from outside at another server than {tenant}; below that, anybody may have written")
    value = next((value for name, value in headers.fields[: door.at] if name == RESULTS.lower()), None)
    verdict = read_verdict(value) if value is not None else None
    if verdict is None or verdict.server:
        return Unproven("Microsoft 365 has not written its verdict above its own Received")
    return _passed(verdict, headers, author, "Microsoft 365")


def _topmost(raw: bytes, authserv_id: str) -> Verdict | Unproven:
    """The topmost verdict under the name `authserv_id`. What can't be read may be it, and ends the search."""
    try:
        values = read_headers(raw).all(RESULTS.lower())
    except Unreadable as error:
        return Unproven(str(error))
    for value in values:
        verdict = read_verdict(value)
        if verdict is None:
            return Unproven("it has an Authentication-Results that can't be read")
        if verdict.server == authserv_id.lower():
            return verdict
    return Unproven(f"it has no Authentication-Results of {authserv_id}")


def _passed(verdict: Verdict, headers: Headers, author: str, server: str) -> Proven | Unproven:
    domain, found = author.rpartition("@")[2], verdict.one("dmarc")
    if found is None:
        return Unproven(f"{server} does not give one DMARC result")
    if found.result != "pass":
        return Unproven(f"{server} says dmarc={found.result}")
    if found.one("header.from") != domain:
        return Unproven(f"{server} says dmarc=pass, but not for {domain}")
    weak, weak_wish = (weakness(verdict, headers, domain, needed) for needed in (NEEDED, WISH_NEEDED))
    return Proven(ByServer(how="dmarc", server=server, of=domain), weak, weak_wish)


def not_microsofts(path: Sequence[Hop], tenant: str) -> str:
    """The server that had the mail last, where that is none of the `tenant`'s own; else empty."""
    if not path:
        return "nobody"
    return "" if are_one(path[0].by, _whole(tenant)) else path[0].by or "a server without a name"


def came_in_by(path: Sequence[Hop], tenant: str) -> Hop | None:
    """The topmost hop that shows that the mail was not within Microsoft 365 all the time."""
    whole = _whole(tenant)
    return next((hop for hop in path if "protection" in hop.by.split(".") or not are_one(hop.by, whole)), None)


def _is_internal(headers: Headers, path: Sequence[Hop], tenant: str) -> bool:
    says = headers.all("x-ms-exchange-organization-authas")
    source = headers.all("x-ms-exchange-organization-authsource")
    # A colleague's mail never passes the servers that take mail in from outside.
    return (
        came_in_by(path, tenant) is None
        and [each.strip().lower() for each in says] == ["internal"]
        and [are_one(each.strip().lower(), _whole(tenant)) for each in source] == [True]
    )


def _whole(tenant: str) -> str:
    """All servers of the `tenant`'s cloud, those that take mail in and those that hold mailboxes."""
    name = tenant.lower().strip(".")
    return EXCHANGE_ONLINE if is_within(name, EXCHANGE_ONLINE) else name
