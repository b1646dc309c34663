"""How it is known who wrote, as it is kept with whatever follows from it."""

from agents.requests.proof import ByChat, ByMail, Proof, as_by
from channels import ByServer, ByUser, Reply, Trigger


class SaidElsewhere(Trigger):
    """Words that no message brought, but a page or a program, with the proof that those have."""

    proof: Proof


def proof_of(channel: str, said: Reply | Trigger) -> Proof:
    """Return what `channel` knows of whoever `said` this; where it says nothing, that it came by it."""
    if isinstance(said, SaidElsewhere):
        return said.proof
    match said.known:
        case ByUser() as known:
            return ByChat(channel=channel, user=known.user, team=known.team, did=known.did, what=known.what)
        case ByServer() as known:
            return ByMail(how=known.how, server=known.server, of=known.of)
        case None:
            return as_by(channel)
