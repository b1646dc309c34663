"""`[desk]` of `sayso.toml`: an address that anybody may write to, and who answers for it."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config import Limit, MailAddress, Name, PersonConfig, Rate, Ref, Table
from bot.config_errors import KeyPath
from channels.email.format.addresses import is_address

_DAY_S = 86_400.0
_NEEDED = ("owner", "policy")


def _below(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not pattern.strip() or path.is_absolute() or ".." in path.parts or "**" in path.parts:
        raise ValueError('a path or pattern below the folder of sayso.toml, such as "knowledge/*.md"')
    return pattern


def _plain(address: str) -> str:
    if not is_address(address) or "+" in address.partition("@")[0]:
        raise ValueError('a plain mail address without a plus, such as "help@corp.example"')
    return address.lower()


Pattern = Annotated[str, Field(max_length=200), AfterValidator(_below)]


class DeskConfig(Table):
    """`[desk]`: mail to `address` is answered from `knowledge`, once `policy` has approved each reply."""

    address: Annotated[MailAddress, AfterValidator(_plain)] | None = Field(
        default=None, description="where anybody may write; delivered to the mailbox of SAYSO_MAIL_ADDRESS"
    )
    owner: Ref | None = Field(default=None, description='in whose name it asks, and who is asked: "person:anna"')
    policy: Name | None = Field(default=None, description="the policy that gates each reply")
    knowledge: tuple[Pattern, ...] = Field(
        default=(), max_length=20, description='files, relative to sayso.toml, such as ["knowledge/*.md"]'
    )
    name: str = Field(default="", max_length=40, description='stands before the address in From, such as "Corp Help"')
    greeting: str = Field(default="Hello,", max_length=100, description="begins a reply that no model wrote")
    signature: str = Field(default="", max_length=500, description="ends each reply")
    per_sender: Limit = Field(default=Rate(10, _DAY_S), description="runs that one address may begin; the rest is held")
    per_day: Limit = Field(default=Rate(200, _DAY_S), description="runs that all mail to it may begin")


def desk_contradictions(
    desk: DeskConfig, people: Mapping[str, PersonConfig], policies: Collection[str], mail_address: str | None
) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong within the table, and with whom and what it names."""
    given = desk.model_fields_set
    if desk.address is None:
        if given:
            yield ("desk", "address"), "is missing; allowed: the address that people write to"
        return
    for key in _NEEDED:
        if getattr(desk, key) is None:
            yield ("desk", key), f"is missing; allowed: {DeskConfig.model_fields[key].description}"
    if desk.address == (mail_address or "").lower():
        yield ("desk", "address"), f'found "{desk.address}", which is SAYSO_MAIL_ADDRESS; allowed: another one'
    if any((person.email or "").lower() == desk.address for person in people.values()):
        yield ("desk", "address"), f"found \"{desk.address}\", which is a person's; allowed: one that is nobody's"
    if desk.owner is not None and desk.owner not in {f"person:{name}" for name in people}:
        listed = ", ".join(f"person:{name}" for name in people) or "nobody, as there are no people yet"
        yield ("desk", "owner"), f'found "{desk.owner}", who is nobody in [people]; allowed: {listed}'
    if desk.policy is not None and desk.policy not in policies:
        listed = ", ".join(policies) or "none: there are no policies yet"
        yield ("desk", "policy"), f'found "{desk.policy}"; allowed: {listed}'
