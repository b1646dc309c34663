"""Fork, retry, export and import from a terminal."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.shell import sayso as beside
from tests.servers.program import sayso
from tests.servers.web import serving
from tests.world import World

pytestmark = pytest.mark.long


async def test_runs_are_made_of_others_beside_sayso_dev(shop: World, tmp_path: Path) -> None:
    source = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(source), "approve")
    await shop.ended(source)
    file = tmp_path / "run.json"

    forked = await beside(shop, "fork", source, "--at", "3", "--as", "anna")
    retried = await beside(shop, "retry", source, "--as", "anna", "--json")
    exported = await beside(shop, "export", source, "-o", str(file))
    imported = await beside(shop, "import", str(file), "--as", "bo")

    assert (forked.code, retried.code, exported.code, imported.code) == (0, 0, 0, 0)
    fork, retry = forked.out.strip(), json.loads(retried.out)["id"]
    assert (await shop.opened(fork)).request.run_id == fork
    assert (await shop.opened(retry)).request.run_id == retry
    assert "Bytes of attached files are not" in exported.err
    await shop.ended(imported.out.strip())
    told = (await beside(shop, "show", source)).out
    assert f"made of it: {fork}, {retry}" in told
    assert f"forked from {source} at event 3" in (await beside(shop, "show", fork)).out
    assert f"imported, as its file says, from {source}" in (await beside(shop, "show", imported.out.strip())).out


async def test_a_file_that_is_no_run_is_refused_in_one_line(world: World, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text('{"format": "sayso run", "version": 2}')

    ended = await beside(world, "import", str(file), "--as", "anna")

    assert ended.code == 1
    assert "version: Input should be 1" in ended.err
    assert "exported_at: Field required" in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_the_same_works_from_elsewhere_and_shows_what_a_model_saw(world: World, tmp_path: Path) -> None:
    async with serving(world.app) as api:
        _, key = await api.key("anna", "admin")
        env = {"SAYSO_URL": api.url, "SAYSO_API_KEY": key}
        source = await world.trigger("stamp it\npress it")
        await world.decide("bo", await world.opened(source), "approve")
        await world.ended(source)

        _, fork, _ = await sayso("fork", source, "--at", "1", cwd=tmp_path, env=env)
        _, retry, hint = await sayso("retry", source, cwd=tmp_path, env=env)
        code, _, _ = await sayso("export", source, "-o", "run.json", cwd=tmp_path, env=env)
        _, imported, _ = await sayso("import", "run.json", cwd=tmp_path, env=env)
        _, seen, note = await sayso("show", source, "--context", "2", cwd=tmp_path, env=env)
        _, told, _ = await sayso("show", source, cwd=tmp_path, env=env)

    assert code == 0
    runs = [fork.strip(), retry.strip(), imported.strip()]
    assert {source, *runs} == {*await world.app.store.lists.runs()}
    assert hint == f"Follow it with: ./sayso watch {runs[1]}\n"
    assert seen.startswith("<run>\n")
    assert seen.endswith("Choose the next step.")
    assert "No model was asked for this step (rehearsal)" in note
    assert f"made of it: {', '.join(runs[:2])}" in told
