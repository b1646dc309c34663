"""A page that was deployed can do nothing here, although it stands on this machine and in the victim's browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from bot.dev.demo import make_demo
from bot.dev.site import serve
from bot.web.serve import listen, port_of
from tests.bot.web.console.stage import a_scene, kept
from tests.kit.world import World
from tests.servers.console import Console, sent

APPROVES = "<script>fetch('http://127.0.0.1:8000/', {credentials: 'include', method: 'POST'})</script>"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[str]:
    """Yield the address where the demo site is live; a script was deployed to it."""
    demo = make_demo(tmp_path / "demo").parent
    (demo / "site" / "production" / "current" / "index.html").write_text(APPROVES)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve(demo, listener))
    yield f"http://127.0.0.1:{port_of(listener)}"
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_a_script_in_a_deployed_page_approves_nothing(world: World, demo_console: Console, site: str) -> None:
    async with AsyncClient(trust_env=False, timeout=60) as client:
        page = await client.get(f"{site}/production/")
    assert APPROVES in page.text
    assert page.headers["content-security-policy"] == "sandbox", "no script runs, and if one did it had no origin"

    scene, bo = await a_scene(world), await demo_console.browser("bo", is_demo=True)
    path, fields = sent((await bo.get(f"/requests/{scene.request_id}")).forms[-1], "Approve")
    before = await kept(world)
    for origin in (site, "null", f"{site}/"):
        for where in ("same-site", "cross-site", "none"):
            answer = await bo.post(path, fields, {"Sec-Fetch-Site": where, "Origin": origin})
            assert answer.status_code == 403
        assert (await bo.post(path, fields, {"Origin": origin})).status_code == 403
        look = await bo.ask("GET", f"/requests/{scene.request_id}", Origin=origin, Sec_Fetch_Site="same-site")
        assert not any(name.startswith("access-control-") for name in look.headers), "it can't read the stamp either"
        assert look.headers["cross-origin-resource-policy"] == "same-origin"
        assert look.headers["x-frame-options"] == "DENY"

    assert await kept(world) == before
    assert (await bo.post(path, fields)).status_code == 303, "from our own page the same form does count"
    assert (await world.request(scene.request_id)).state == "approved"
