"""Fork, retry, export and import from a terminal."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.shell import sayso
from tests.kit.world import World

pytestmark = pytest.mark.long


async def test_runs_are_made_of_others_beside_sayso_dev(shop: World, tmp_path: Path) -> None:
    source = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(source), "approve")
    await shop.ended(source)
    file = tmp_path / "run.json"

    forked = await sayso(shop, "fork", source, "--at", "3", "--as", "anna")
    fork = forked.out.strip()
    assert (await shop.opened(fork)).request.run_id == fork  # the retry, a newer deploy, replaces it
    retried = await sayso(shop, "retry", source, "--as", "anna", "--json")
    exported = await sayso(shop, "export", source, "-o", str(file))
    imported = await sayso(shop, "import", str(file), "--as", "bo")

    assert (forked.code, retried.code, exported.code, imported.code) == (0, 0, 0, 0)
    retry = json.loads(retried.out)["id"]
    assert (await shop.opened(retry)).request.run_id == retry
    assert "Bytes of attached files are not" in exported.err
    await shop.ended(imported.out.strip())
    told = (await sayso(shop, "show", source)).out
    assert f"made of it: {fork}, {retry}" in told
    assert f"forked from {source} at event 3" in (await sayso(shop, "show", fork)).out
    assert f"imported, as its file says, from {source}" in (await sayso(shop, "show", imported.out.strip())).out


async def test_a_file_that_is_no_run_is_refused_in_one_line(world: World, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text('{"format": "sayso run", "version": 2}')

    ended = await sayso(world, "import", str(file), "--as", "anna")

    assert ended.code == 1
    assert "version: Input should be 1" in ended.err
    assert "exported_at: Field required" in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_what_a_model_saw_is_printed_as_it_was_and_exports_go_to_a_terminal(world: World) -> None:
    source = await world.trigger("stamp it\npress it")
    await world.decide("bo", await world.opened(source), "approve")
    await world.ended(source)

    seen = await sayso(world, "show", source, "--context", "2")
    exported = await sayso(world, "export", source)

    assert seen.out.startswith("<run>\n")
    assert seen.out.endswith("Choose the next step.")
    assert "No model was asked for this step (rehearsal)" in seen.err
    assert json.loads(exported.out)["run_id"] == source
