"""The tables that say who is who and who decides, as they hold at one time. They change only as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import BaseModel

from agents.requests import CardsGo
from bot.config.deploy import FreezeWindowConfig
from bot.config.directory.group_files import GroupFileError, read_group_file
from bot.config.directory.groups import GroupTable
from bot.config.directory.oncall import OncallTable
from bot.config.directory.policies import PolicyConfig
from bot.config.tables import PersonConfig, RolesConfig

if TYPE_CHECKING:
    from bot.config.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileGroup:
    """The mail addresses of a group that is kept in a file; or the `problem`, where it can't be read."""

    addresses: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """`[people]`, `[policies]`, `[oncall]`, `[roles]` and `[groups]` with the content of their files, by group.

    `alerts` hear what nobody else can. `triggered_by` is who may start an agent, by its name, where not everybody may.
    `windows` are the times in which environments are frozen. `cards` is where cards go where no policy says it.
    `beside` is what else the file says, by names as `Settings.beside` has them, and `environments` are all there are.
    """

    people: Mapping[str, PersonConfig]
    policies: Mapping[str, PolicyConfig]
    oncall: Mapping[str, OncallTable] = field(default_factory=dict[str, OncallTable])
    groups: Mapping[str, GroupTable] = field(default_factory=dict[str, GroupTable])
    files: Mapping[str, FileGroup] = field(default_factory=dict[str, FileGroup])
    roles: RolesConfig = field(default_factory=RolesConfig)
    alerts: tuple[str, ...] = ()
    triggered_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    windows: tuple[FreezeWindowConfig, ...] = ()
    cards: CardsGo = "thread"
    beside: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: frozenset[str] = frozenset()
    by_email: Mapping[str, str] = field(init=False, repr=False)
    by_github: Mapping[str, str] = field(init=False, repr=False)
    by_slack: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = self.people.items()
        by_email = {person.email.lower(): name for name, person in found if person.email}
        by_github = {person.github.lower(): name for name, person in found if person.github}
        object.__setattr__(self, "by_email", by_email)
        object.__setattr__(self, "by_github", by_github)
        object.__setattr__(self, "by_slack", {person.slack: name for name, person in found if person.slack})

    def under(self, ids: Mapping[str, str]) -> "Tables":
        """Return the same tables with these ids in place of those of the file, wherever it names people."""
        if all(name == one for name, one in ids.items()):
            return self
        by_id = partial(renamed_ref, ids=ids)
        return replace(
            self,
            people={ids[name]: person for name, person in self.people.items()},
            policies=_renamed(self.policies, by_id),
            oncall=_renamed(self.oncall, by_id),
            roles=_renamed(self.roles, by_id),
            alerts=_renamed(self.alerts, by_id),
            triggered_by=_renamed(self.triggered_by, by_id),
        )


def renamed_ref(ref: str, ids: Mapping[str, str]) -> str:
    """Return what `ref` of the file means: `person:cy` is whoever the file calls so."""
    kind, _, name = ref.partition(":")
    return f"person:{ids.get(name, name)}" if kind == "person" else ref


def _renamed(value: T, rename: Callable[[str], str]) -> T:
    """Return a part of the tables with each text in it renamed."""
    changed: object = value
    if isinstance(value, str):
        changed = rename(value)
    elif isinstance(value, BaseModel):
        changed = value.model_copy(
            update={name: _renamed(getattr(value, name), rename) for name in type(value).model_fields}
        )
    elif isinstance(value, tuple | list):
        items = [_renamed(one, rename) for one in cast("tuple[object, ...] | list[object]", value)]
        changed = tuple(items) if isinstance(value, tuple) else items
    elif isinstance(value, Mapping):
        changed = {name: _renamed(one, rename) for name, one in cast("Mapping[str, object]", value).items()}
    return cast("T", changed)


def tables_of(settings: "Settings") -> Tables:
    """Return the tables of the settings, with the files of groups as they are now."""
    files = {name: _read(file, name) for name, file in group_files(settings).items()}
    return Tables(
        settings.people,
        settings.policies,
        settings.oncall,
        settings.groups,
        files,
        settings.roles,
        settings.alerts.to,
        {name: agent.triggered_by for name, agent in settings.agents.items() if agent.triggered_by is not None},
        settings.freeze.windows,
        settings.slack.cards,
        settings.beside,
        frozenset(settings.deploy.environments),
    )


def group_files(settings: "Settings") -> dict[str, Path]:
    """Return the files of groups, by the name of the group."""
    folder = settings.config.absolute().parent if settings.config else Path().absolute()
    return {name: folder / table.file for name, table in settings.groups.items() if table.file}


def _read(file: Path, group: str) -> FileGroup:
    try:
        return FileGroup(read_group_file(file, group))
    except GroupFileError as error:
        return FileGroup(problem=str(error))
