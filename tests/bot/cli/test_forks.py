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
