"""`[groups.NAME]`: a group that is kept elsewhere, in Slack or in a file beside `sayso.toml`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config.tables import KeyPath, PersonConfig, Table


def _user_group(text: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]{2,20}", text):
        raise ValueError('the id of a user group in Slack, such as "S0123ABC": it ends the address of its page')
    return text


def _file(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or path.suffix.lower() not in {".csv", ".json"} or "\0" in text:
        raise ValueError('a .csv or .json file below the folder of sayso.toml, such as "people.csv"')
    return text


class GroupTable(Table):
    """`[groups.NAME]`: a group that is kept in Slack or in a file, and read when a request opens."""

    slack: Annotated[str, AfterValidator(_user_group)] | None = Field(
        default=None, description='The id of a user group of the workspace, such as "S0123ABC".'
    )
    file: Annotated[str, Field(max_length=200), AfterValidator(_file)] | None = Field(
        default=None, description='A .csv or .json file, relative to sayso.toml, such as "people.csv".'
    )


def group_contradictions(
    groups: Mapping[str, GroupTable], people: Mapping[str, PersonConfig]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield groups that are kept nowhere or in two places."""
    inside = {group: person for person, config in people.items() for group in config.groups}
    for name, table in groups.items():
        kept = [key for key in ("slack", "file") if getattr(table, key) is not None]
        if len(kept) != 1:
            found = " and ".join(kept) or "nothing that says who is in it"
            yield ("groups", name), f'found {found}; allowed: one of slack = "S…" and file = "….csv"'
        if name in inside:
            yield (
                ("groups", name),
                f"found a group that people.{inside[name]}.groups names too; allowed: one place that says who is in it",
            )
