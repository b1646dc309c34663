"""Operators freeze and unfreeze by a message of nothing else, from wherever they are."""

import secrets
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.office import TOML
from tests.world import World, a_world

TO = "sayso@sayso.example"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    roles = '[roles]\noperator = ["person:cy"]\n'
    async with a_world(redis, tmp_path / "data", f"{TOML}\n{roles}") as world:
        yield world


async def write(office: World, person: str, text: str, *, is_whole: bool = True) -> str:
    """A new mail of somebody's; what it is answered. One that is not whole says not when it was written."""
    mail, who = EmailMessage(policy=SMTP), f"{person}@corp.example"
    mail["From"], mail["To"], mail["Message-ID"] = who, TO, f"<{secrets.token_hex(8)}@corp.example>"
    mail["Subject"] = "Freeze"
    if is_whole:
        mail["Date"] = format_datetime(office.about_now())
    mail.set_content(text)
    await office.transport(who).send(bytes(mail), sender=who, recipients=[TO])
    return " ".join((await office.next_mail(person, about="Freeze")).text.split())


async def frozen(office: World) -> list[tuple[str, str, str]]:
    return [(one.environment, one.by or "", one.reason) for one in await office.app.requests.freezes.all()]


async def test_an_operator_freezes_by_mail_and_ends_it_by_mail(office: World) -> None:
    told = await write(office, "cy", "freeze production: incident 4711")

    assert "production: Frozen since" in told
    assert "unfreeze production: REASON, and it ends" in told
    assert await frozen(office) == [("production", "cy", "incident 4711")]
    assert await office.app.store.lists.runs() == []
    ended = await write(office, "cy", "unfreeze production: fixed")
    assert "production is no longer frozen." in ended
    assert await frozen(office) == []


async def test_without_a_place_everything_is_frozen_also_by_whoever_hears_the_alerts(office: World) -> None:
    await write(office, "dan", "Freeze: the payment provider is down")

    assert await frozen(office) == [("", "dan", "the payment provider is down")]


async def test_nobody_else_freezes_and_that_is_told(office: World) -> None:
    told = await write(office, "anna", "freeze production: because")

    assert "operator" in told
    assert await frozen(office) == []


async def test_a_mail_that_could_not_approve_freezes_and_ends_nothing(office: World) -> None:
    await write(office, "cy", "freeze everything: incident 4711", is_whole=False)

    told = await write(office, "cy", "unfreeze everything: fixed", is_whole=False)

    assert "your mail proves too little for that" in told
    assert await frozen(office) == [("", "cy", "incident 4711")]
