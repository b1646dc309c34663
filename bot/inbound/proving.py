"""How it is known who wrote, as it is kept with whatever follows from it."""

from datetime import timedelta

from agents.requests.proof import ByChat, ByMail, Proof, as_by
from bot.store import Store
from bot.store.indexes import restored_at
from channels import ByServer, ByUser, Reply, Trigger
from language.recorded import recorded

# A mail system that delivers twice does so within days; a run's own slot refuses later ones as well. It is longer than
# a mail is fresh, and than one waits to be read.
COPIES_S = 7 * 24 * 3600.0
# A mail server's clock is not ours.
CLOCKS_DIFFER = timedelta(minutes=10)


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


async def proven(store: Store, inbound_id: str, trigger: Trigger) -> Trigger:
    """Return `trigger`, which proves less where a copy of it came before: no signature says how often it was sent."""
    if not trigger.copy_key or trigger.weakness:
        return trigger
    first, _ = await store.remember(trigger.copy_key, inbound_id.encode(), COPIES_S)
    restored, why = await restored_at(store.client, by_clock=True), ""
    is_copy = first != inbound_id.encode()
    if is_copy:
        why = recorded("reason.came-before")
    elif restored and trigger.written_at and trigger.written_at < restored + CLOCKS_DIFFER:
        why = recorded("reason.before-restore")  # and so may a copy have come
    return trigger.model_copy(update={"weakness": why, "is_copy": is_copy})
