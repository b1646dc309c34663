import asyncio
import json
from pathlib import Path

import pytest

from tests.bot.cli.shell import Ended, elsewhere, sayso
from tests.kit.world import World
from tests.servers.web import serving


async def test_an_expired_question_is_seen_by_the_exit_code(world: World) -> None:
    asking = asyncio.create_task(sayso(world, "ask", "Which?", "--to", "person:bo", "--option", "a", "--option", "b",
                                       "--as", "anna", "--wait", "--json"))  # fmt: skip
    await world.next_mail("bo")

    await world.move_time(24 * 3600 + 1)

    ended = await asking
    shown = json.loads(ended.out)
    assert (ended.code, shown["state"], shown["options"]) == (1, "expired", ["a", "b"])


@pytest.mark.long
async def test_a_program_asks_from_another_machine_with_its_key(world: World, tmp_path: Path) -> None:
    async with serving(world.app) as api:
        _, key = await api.key(None, "trigger", "read", service="ci", acts_for=["anna"], asks=["person:bo"])

        async def ask(*words: str) -> Ended:
            return await elsewhere(tmp_path, "ask", *words, SAYSO_URL=api.url, SAYSO_API_KEY=key)

        refusal, asked = await ask("Why?", "--to", "person:cy"), await ask("Why?", "--to", "person:bo")
        waiting = asyncio.create_task(ask("Who?", "--to", "person:bo", "--wait"))
        await world.reply("bo", await world.next_mail("bo", "Who?"), "It was me.\n")

        assert (asked.code, (await world.request(asked.out.strip())).request.quoted) == (0, "Why?")
        assert (refusal.code, "may not ask person:cy" in refusal.err) == (1, True)
        assert await waiting == Ended(0, "It was me.\n", "")
