"""The file of an installation while it runs: read, changed, and read anew by a worker."""

from pathlib import Path
from typing import Any, cast

from agents.requests.proof import as_by
from bot.audit.reading import Query
from bot.config.settings import Settings, load
from bot.people.noted import NotedTables
from bot.process.reload import Reload
from tests.kit.office import QUICK
from tests.kit.world import World


def settings_in(folder: Path) -> Settings:
    return load(folder, {f"SAYSO_{name}": value for name, value in QUICK.items()})


def write(world: World, toml: str) -> None:
    (world.folder / "sayso.toml").write_text(toml)


def without(toml: str, person: str) -> str:
    """The same file without the table of a person, and without a quorum that nobody would reach."""
    return in_place_of(toml, person, "").replace("quorum = 2\n", "")


def in_place_of(toml: str, person: str, table: str) -> str:
    """The same file with the `table` of somebody else in place of that of a person."""
    begins = toml.index(f"[people.{person}]")
    return toml[:begins] + toml[toml.index("\n[", begins) + 1 :] + table


async def becomes(world: World, toml: str) -> None:
    """The file says this from now on, and a worker reads it, and starts again where it has to; an operator confirms it
    where it is only half taken.
    """
    write(world, toml)
    reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
    await reload.look(at_once=True)
    if (digest := world.app.people.half_taken) and not reload.starts_again:
        await NotedTables(world.app.store).confirm(digest, None, proof=as_by("cli"))
        await reload.look(at_once=True)
    if reload.starts_again:
        async with world.stopped():
            world.toml = toml
    assert world.app.people.as_written.people == settings_in(world.folder).people


async def tables_audited(world: World) -> list[dict[str, Any]]:
    """Return which tables changed, as the audit log says."""
    await world.seal()
    records, _ = await world.app.audit.search(Query(kind="tables_changed"))
    return [cast("dict[str, Any]", record["detail"]) for record in records]
