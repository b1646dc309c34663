"""A link that lets one person into the console, sent to that person and to nobody else."""

from collections.abc import Sequence
from urllib.parse import urlencode

from agents.requests import PersonId
from bot.outbound.notifier import to_person
from bot.people.directory import People
from bot.people.sessions import LINK_S
from bot.store.journal import Journal
from language import say


async def send_link(
    journal: Journal, people: People, public_url: str | None, person: PersonId, back: str, reach: Sequence[str]
) -> None:
    """Send a link to the person whom it lets in. Without a public name there is no link that would lead here.

    Its token is made when it is sent (`Sender`): it knows which channel brought it, and the outbox never holds it.
    """
    if public_url is None:
        return
    with people.speaking_to(person):
        title, text = say("notice.login-title"), say("notice.login", minutes=f"{LINK_S / 60:.0f}")
    login = f"{public_url}/login?{urlencode({'next': back})}"
    await to_person(journal, person, title, text, login=login, reach=reach)
