"""Whoever is only missing in a file that is half taken is told afterwards what they were to be told in Slack."""

from pathlib import Path

from bot.store import Keys
from tests.office import TOML
from tests.stories.people.test_half_taken import process_of
from tests.stories.slack.test_notified import an_office, asks, is_notified
from tests.tables import without, write

REMINDED = TOML.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n')


async def test_a_line_for_several_waits_until_none_of_them_is_missing(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, REMINDED, "pair") as office:
        await asks(office)
        await is_notified(office.bo)
        await is_notified(office.cy)
        await office.world.quiet()
        reload, tried = process_of(office.world), len(await office.slack.calls("chat.postMessage"))
        await reload.look(at_once=True)
        await office.slack.breaks("chat.postMessage", "http_500", times=1000, channel=office.ops)
        await office.world.move_time(3600 + 60)

        async def is_tried() -> bool:
            return len(await office.slack.calls("chat.postMessage")) > tried

        await office.slack.until(is_tried, "the line is on its way")
        write(office.world, without(office.world.toml, "cy").partition("[policies.pair]")[0])
        await reload.look(at_once=True)
        assert office.world.app.people.missing == ("cy",)
        await office.slack.tell("faults_over")
        store = office.world.app.store
        for shard in range(store.shards):
            for one in await store.client.do("HKEYS", Keys(shard).outbox):
                await office.world.app.messages.outbox.send(one.decode())
        write(office.world, office.world.toml)
        await reload.look(at_once=True)
        await office.world.move_time(600)

        await is_notified(office.bo, times=2)
        [_, line] = await is_notified(office.cy, times=2)
        assert ("Reminder: Press bell?" in line.words, "<@U0CY>" in line.text) == (True, True)
