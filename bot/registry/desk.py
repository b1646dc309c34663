"""The desk agent: it drafts answers to mail that strangers write to the public address."""

from pathlib import Path

from agents import Agent
from agents.desk import Desk, Draft, Knowledge, Mail, desk_agent
from agents.requests import RunId
from bot.config.settings import Settings


def desk_agents(settings: Settings) -> tuple[Agent, ...]:
    """The desk agent, where `[desk]` has an address."""
    config = settings.desk
    if config.address is None or config.policy is None:
        return ()
    # Most have no desk, and need nothing that reads mails.
    from channels.email.reading.inquiry import Answer, compose  # noqa: PLC0415

    own, name = config.address, config.name

    def render(draft: Draft, mail: Mail, run_id: RunId) -> bytes:
        key = f"{run_id}\n{draft.subject}\n{draft.text}"
        return compose(
            Answer(own, name, mail.sender, draft.subject, draft.text, mail.at, key, mail.message_id, mail.references)
        )

    folder = settings.config.absolute().parent if settings.config else Path.cwd()
    knowledge = Knowledge(folder, config.knowledge)
    return (desk_agent(Desk(own, config.policy, render, knowledge, config.greeting, config.signature)),)
